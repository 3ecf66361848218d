"""Which of the paths that a user names are videos, and where videos with detections are written."""
import os
import re
from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple

from ....errors import UsageError
from ...files import PathLike
from .reading import VIDEO_EXTENSIONS, import_av
from .writing import FORMATS

# What follows the last dot of a path is the extension of a file, or belongs to the name of a folder, such as run-1.5.
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")


class ClipTarget(NamedTuple):
    """A video, and the file that is written of it; detections go into a file of JSON lines beside that."""

    source: Path
    video: Path

    @property
    def lines(self) -> Path:
        """The file of detections, one line a frame."""
        return self.video.with_suffix(".jsonl")


def split_videos(paths: Sequence[PathLike]) -> Tuple[List[Path], List[Path]]:
    """Splits paths into files with the extension of a video, and others."""
    paths = list(map(Path, paths))
    videos = [path for path in paths if path.suffix.lower() in VIDEO_EXTENSIONS and not path.is_dir()]
    return videos, [path for path in paths if path not in videos]


def names_video(out: PathLike) -> bool:
    """Whether an output path is that of a video, not of a folder."""
    return Path(out).suffix.lower() in FORMATS and not Path(out).is_dir()


def clip_targets(videos: Sequence[Path], has_images: bool, out: PathLike) -> List[ClipTarget]:
    """Decides where videos are written, and checks that it can be done, before anything is.

    Args:
        videos: the files.
        has_images: whether there are photographs too, of which pictures go to `out`.
        out: a folder; or the file to write where there is one video and nothing else.

    Returns:
        The targets. In a folder a video keeps its name, and its extension where files of that kind are written, or else
        gets .mp4; no two have the same name.

    Raises:
        UsageError: a video does not exist; `out` is a file of an unknown kind, or one file for several inputs; or an
            input would be overwritten.
        LibraryError: PyAV is not installed.
    """
    if not videos:
        if names_video(out):
            raise UsageError(f"--out {out} names a video, but there is no video among the inputs: name a folder")
        return []
    import_av()
    for video in videos:
        if not video.exists():
            raise UsageError(f"there is no video {video}")
    out, known = Path(out), " ".join(FORMATS)
    if names_video(out):
        if has_images or len(videos) > 1:
            raise UsageError(f"--out {out} names one file, but there are several inputs: name a folder")
        targets = [ClipTarget(videos[0], out)]
    elif out.suffix.lower() in FORMATS and len(videos) == 1 and not has_images:
        raise UsageError(f"--out {out} is a folder with the name of a video: name another file or folder")
    elif _EXTENSION.fullmatch(out.suffix) and not out.exists() and len(videos) == 1 and not has_images:
        raise UsageError(f"--out {out}: videos are written with the extensions {known}, and a folder that is to be "
                         "made for a video has none")
    else:
        targets, stems = [], set()
        for video in videos:
            extension = video.suffix if video.suffix.lower() in FORMATS else ".mp4"
            stem, number = video.stem, 1
            while stem in stems:
                number += 1
                stem = f"{video.stem}-{number}"
            stems.add(stem)
            targets.append(ClipTarget(video, out / (stem + extension)))
    for target in targets:
        for written in (target.video, target.lines):
            if os.path.lexists(written) and any(os.path.samefile(written, video) for video in videos
                                                if written.exists()):
                raise UsageError(f"{written} is one of the videos to read, and would be overwritten: name another "
                                 "--out")
            if written.is_dir():
                raise UsageError(f"{written} is a folder, and a file is to be written there: name another --out")
    return targets
