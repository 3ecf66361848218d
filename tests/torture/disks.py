"""A disk that fills up or is read-only, a limit of the size of files, and a folder that is removed.

Each ends the training with one line that names the path and says what to do, status 2, and no unfinished file; the
checkpoints that were whole stay, and with room the training goes on to the end of an unbroken one. The disk is a tmpfs
of a few megabytes, which only root may mount; without that right its parts are left out, saying so.
`python tests/torture/disks.py`.
"""
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from trainings import Trial, arguments, leftovers, place

_CHECKPOINT = 38 << 20  # bytes of one checkpoint of the small network, and a little


def run(folder: Path, report=print, with_disks: bool = True) -> None:
    """Tries all; raises AssertionError where one does not end as it must."""
    trial = Trial(folder)
    assert trial.train("whole") == 0, trial.said("whole")
    expected = trial.result("whole")
    quota(trial, expected, report)
    removed(trial, report)
    if with_disks and can_mount(folder):
        full(trial, expected, report)
        read_only(trial, expected, report)
    elif with_disks:
        report("not run: a full and a read-only disk, for this process may not mount a tmpfs")


def quota(trial: Trial, expected, report) -> None:
    """The size of a file is limited, as ulimit -f does it: the first checkpoint cannot be written."""
    assert trial.train("quota", before=limit_files) == 2, trial.said("quota")
    error = last_error(trial, "quota")
    assert "File too large" in error and "light_head_rcnn-step" in error and "ulimit -f" in error, error
    assert trial.checkpoints("quota") == [] and not leftovers(trial.folder / "quota")
    goes_on(trial, "quota", expected, "--resume-if-any")
    report(f"limit of the size of files: {error}")


def limit_files() -> None:
    """Bounds the size of the files of this process; a checkpoint of the small network is larger."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))


def removed(trial: Trial, report) -> None:
    """The folder is removed while a training works in it."""
    process = trial.start("removed")
    trial.wait_for_step("removed", 1, process)
    shutil.rmtree(trial.folder / "removed", ignore_errors=True)
    shutil.rmtree(trial.folder / "removed", ignore_errors=True)
    assert process.wait() == 2, trial.said("removed")
    error = last_error(trial, "removed")
    assert f"{trial.folder / 'removed'}" in error and "removed" in error, error
    assert not (trial.folder / "removed").exists(), list((trial.folder / "removed").iterdir())
    report(f"folder removed: {error}")


def full(trial: Trial, expected, report) -> None:
    """The disk has room for one checkpoint and a part of the next."""
    with disk(trial.folder / "full", f"size={1.5 * _CHECKPOINT:.0f}") as folder:
        assert trial.train("full") == 2, trial.said("full")
        error = last_error(trial, "full")
        assert "No space left on device" in error and str(folder) in error and "--resume" in error, error
        kept = trial.checkpoints("full")
        assert kept and not leftovers(folder), (kept, leftovers(folder))
        assert trial.train("full", "--resume") == 2  # there is no more room than before
        assert trial.checkpoints("full") == kept and not leftovers(folder)
        remount(folder, f"size={12 * _CHECKPOINT}")
        goes_on(trial, "full", expected)
    report(f"full disk: {error}")


def read_only(trial: Trial, expected, report) -> None:
    """The disk becomes read-only, as the kernel makes a broken one; then a training is started there."""
    with disk(trial.folder / "fixed", f"size={12 * _CHECKPOINT}") as folder:
        process = trial.start("fixed", "TRAIN.end_epoch=500")
        trial.wait_for_step("fixed", trial.steps + 1, process)
        # The system refuses while a file is open for writing, which the log is: a broken disk does not ask.
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], stderr=subprocess.DEVNULL)
        if process.poll() is None:
            process.kill()
            process.wait()
            remount(folder, "ro")
        assert trial.train("fixed", "--resume") == 2
        error = last_error(trial, "fixed")
        assert str(folder) in error and ("may not be written to" in error or "Read-only" in error), error
        remount(folder, "rw")
        assert trial.checkpoints("fixed")
    report(f"read-only folder: {error}")


def goes_on(trial: Trial, name: str, expected, word: str = "--resume") -> None:
    """With room the training ends as an unbroken one."""
    assert trial.train(name, word) == 0, trial.said(name)
    found = trial.result(name)
    assert found == expected, [key for key in expected if found[key] != expected[key]]


def last_error(trial: Trial, name: str) -> str:
    """Returns the one line of an error that a run has said last; there must be no traceback."""
    said = trial.said(name)
    assert "Traceback" not in said, said
    return [line for line in said.splitlines() if line.startswith("error: ")][-1]


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def can_mount(folder: Path) -> bool:
    """Whether this process may mount a file system."""
    if os.geteuid():
        return False
    probe = Path(folder) / "probe"
    probe.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(probe)], stderr=subprocess.DEVNULL).returncode == 0
    if done:
        subprocess.run(["umount", str(probe)], check=True)
    return done


if __name__ == "__main__":
    given = arguments(__doc__)
    with place(given.folder) as where:
        run(where)
