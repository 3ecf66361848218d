"""A fingerprint of everything in some folders, by which one notices that a file was changed, added or removed."""
import hashlib
import os
import stat
from typing import Iterator, NamedTuple, Optional, Sequence, Set, Tuple

MAX_FILES = 2_000_000  # beyond which looking at every file takes longer than it is worth


class FolderState(NamedTuple):
    """What some folders and files look like.

    Attributes:
        digest: a hash of the names, the sizes and the times of change of all files.
        newest: the latest of those times, in seconds since 1970; 0 where there is no file.
    """

    digest: str
    newest: float


def folder_state(roots: Sequence[str], leave_out: Optional[str] = None) -> Optional[FolderState]:
    """Looks at every file in some folders and their subfolders, links followed; no file is opened.

    Hidden files and folders, whose names begin with a dot, are passed over.

    Args:
        roots: folders and files; one that is missing is a state too.
        leave_out: a folder that does not count where it lies in one of the roots.

    Returns:
        The state; None where there are more than `MAX_FILES` files, or a folder cannot be listed.
    """
    digest, newest, count = hashlib.blake2b(digest_size=20), 0, 0
    hidden = leave_out and os.path.realpath(leave_out)
    try:
        for root in roots:
            digest.update(f"root\0{os.path.abspath(root)}\n".encode("utf-8", "surrogatepass"))
            for lines, time_of_lines in _folders(root, hidden):
                count += len(lines)
                if count > MAX_FILES:
                    return None
                newest = max(newest, time_of_lines)
                digest.update("\n".join(lines).encode("utf-8", "surrogatepass"))
    except OSError:
        return None
    return FolderState(digest.hexdigest(), newest / 1e9)


def _folders(root: str, hidden: Optional[str]) -> Iterator[Tuple[Sequence[str], int]]:
    """Yields a line for each entry of a folder, and the latest time of change in ns, folder by folder."""
    try:
        found = os.stat(root)
    except FileNotFoundError:
        yield ["missing"], 0
        return
    if not stat.S_ISDIR(found.st_mode):
        yield [_line("", found)], found.st_mtime_ns
        return
    seen: Set[Tuple[int, int]] = set()  # a link may lead back to a folder above it
    waiting = [(root, "")]
    while waiting:
        folder, relative = waiting.pop()
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in seen or (hidden and os.path.realpath(folder) == hidden):
            continue
        seen.add((found.st_dev, found.st_ino))
        lines, newest, folders = [f"folder\0{relative}"], 0, []
        with os.scandir(folder) as entries:
            for entry in entries:
                # What is hidden belongs to other programs, and Python writes its own folder when it imports.
                if entry.name.startswith(".") or entry.name == "__pycache__":
                    continue
                try:
                    found = entry.stat()
                except OSError:
                    lines.append(f"{entry.name}\0broken link")
                    continue
                if stat.S_ISDIR(found.st_mode):
                    folders.append(entry.name)
                else:
                    lines.append(_line(entry.name, found))
                    newest = max(newest, found.st_mtime_ns)
        # The system lists a folder in any order.
        lines[1:] = sorted(lines[1:])
        waiting += [(os.path.join(folder, name), f"{relative}/{name}") for name in sorted(folders, reverse=True)]
        yield lines, newest


def _line(name: str, found: os.stat_result) -> str:
    return f"{name}\0{found.st_size}\0{found.st_mtime_ns}"
