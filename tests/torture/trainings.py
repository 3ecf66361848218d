"""Small trainings in processes of their own, for the scripts of this folder, which do them harm."""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional

from light_head_rcnn import data

MARK = "LHRCNN_TORTURE"  # a variable of the environment of all processes of a trial
PREFIX = "light_head_rcnn"
PATIENCE = 300  # seconds that anything may take on a busy machine
_YAML = """
SCALES: [64, 64]
output_path: {folder}/run
network: {{model: light_head_rcnn_xception_coco, NORM: batch, FIXED_PARAMS: [], ANCHOR_RATIOS: [1],
           ANCHOR_SCALES: [1, 2]}}
dataset: {{dataset: shapes, dataset_path: {folder}/shapes, image_set: train, test_image_set: val}}
TRAIN: {{lr: 0.001, warmup: false, lr_step: '10', end_epoch: {epochs}, BATCH_IMAGES: 2, NUM_WORKERS: 1,
        RPN_BATCH_SIZE: 16, RPN_PRE_NMS_TOP_N: 50, RPN_POST_NMS_TOP_N: 8, BATCH_ROIS_OHEM: 6, CHECKPOINT_STEPS: {every},
        TEST_EVERY: 1}}
TEST: {{RPN_POST_NMS_TOP_N: 8}}
"""


class Trial:
    """A data set and a configuration, and trainings of it.

    Args:
        folder: takes all files.
        images: to train on; half as many steps make an epoch.
        epochs: of a training.
        every: steps between two checkpoints inside an epoch.
    """

    def __init__(self, folder: Path, images: int = 12, epochs: int = 2, every: int = 2):
        self.folder, self.steps, self.epochs = Path(folder), images // 2, epochs
        self._mark = f"{os.getpid()}-{time.monotonic_ns()}"
        data.write_shapes(self.folder / "shapes", train=images, val=2)
        (self.folder / "tiny.yaml").write_text(_YAML.format(folder=folder, epochs=epochs, every=every))

    def start(self, name: str, *words: str, env: Optional[Dict[str, str]] = None,
              before: Optional[Callable[[], None]] = None) -> subprocess.Popen:
        """Starts `lhrcnn train` into the folder `name`; what it says goes to NAME.txt beside it.

        Args:
            name: of the run.
            words: more of the command line.
            env: more of the environment.
            before: is called in the new process.
        """
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "LHRCNN_CACHE": "off", MARK: self._mark, **(env or {})}
        command = [sys.executable, "-m", "light_head_rcnn.experiments.commands.main", "train", "--cfg",
                   str(self.folder / "tiny.yaml"), "--cpu", "--out", str(self.folder / name), *words]
        # A shell lets commands ignore Ctrl-C that it starts in the background, and what they start ignores it too.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        with open(self.folder / f"{name}.txt", "a", encoding="utf-8") as said:
            return subprocess.Popen(command, env=environment, stdout=said, stderr=said, preexec_fn=before,
                                    start_new_session=True)

    def train(self, name: str, *words: str, **options) -> int:
        """Runs `start` to its end; returns the exit status."""
        return self.start(name, *words, **options).wait(PATIENCE)

    def said(self, name: str) -> str:
        """Returns what the commands of a run have said so far."""
        return (self.folder / f"{name}.txt").read_text(encoding="utf-8", errors="replace")

    def steps_of(self, name: str) -> int:
        """Returns the number of the last step in a run's losses.jsonl; 0 where there is none."""
        path = self.folder / name / "losses.jsonl"
        lines = path.read_text(errors="replace").split("\n")[:-1] if path.is_file() else []
        return max((json.loads(line)["step"] for line in lines), default=0)

    def checkpoints(self, name: str) -> List[str]:
        """Returns the tags of a run's checkpoints that have a JSON file."""
        return sorted(path.stem[len(PREFIX) + 1:] for path in (self.folder / name).glob(f"{PREFIX}-*.json"))

    def result(self, name: str) -> Dict[str, bytes]:
        """Returns what a run that has come to its end has made, without what depends on the clock."""
        folder = self.folder / name
        files = {f"{tag}{end}": (folder / f"{PREFIX}-{tag}{end}").read_bytes()
                 for tag in (f"{self.epochs:04d}", "best") for end in (".params", ".states")}
        lines = [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]
        timeless = [{key: value for key, value in line.items() if key in ("step", "loss", "lr", "test_AP", "test_AP50")}
                    for line in lines]
        return {**files, "losses": json.dumps(timeless).encode()}

    def wait_for_step(self, name: str, step: int, process: subprocess.Popen) -> None:
        """Returns when a run has completed a step, or has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.steps_of(name) < step and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def wait_for_another_step(self, name: str, before: int, process: subprocess.Popen) -> None:
        """Returns when a run that is resumed has completed a step, or has ended.

        Args:
            before: the last step in losses.jsonl when the process was started, some of which may be made again.
        """
        path, deadline = self.folder / name / "losses.jsonl", time.monotonic() + PATIENCE
        began = path.stat().st_mtime_ns if path.is_file() else 0
        resumed = None
        while process.poll() is None and time.monotonic() < deadline:
            if resumed is None and path.is_file() and path.stat().st_mtime_ns != began:
                resumed = min(self.steps_of(name), before)
            if resumed is not None and self.steps_of(name) > resumed:
                return
            time.sleep(0.01)

    def left_processes(self, seconds: float = 20) -> List[int]:
        """Returns the processes of this trial that are still there after so many seconds."""
        deadline = time.monotonic() + seconds
        while self._processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return self._processes()

    def kill_all(self) -> None:
        """Kills what is left of this trial."""
        for process in self._processes():
            os.kill(process, signal.SIGKILL)

    def _processes(self) -> List[int]:
        mark, found = f"{MARK}={self._mark}".encode(), []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes().split(b"\0") and "(zombie)" not in (
                        path / "status").read_text():
                    found.append(int(path.name))
            except OSError:
                pass
        return [process for process in found if process != os.getpid()]


def leftovers(folder: Path) -> List[str]:
    """Returns the names of unfinished files, and of files of checkpoints that are not complete."""
    names = [path.name for path in Path(folder).iterdir()]
    unfinished = [name for name in names if name.startswith(".tmp-")]
    parts = [name for name in names if name.startswith(PREFIX) and name.endswith((".params", ".states"))]
    return unfinished + [name for name in parts if name.rpartition(".")[0] + ".json" not in names]


@contextmanager
def place(folder: Optional[str]) -> Iterator[Path]:
    """A new folder inside `folder`, which is removed at the end; in memory where none is named."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="lhrcnn_torture_", dir=folder or memory) as name:
        yield Path(name)


def arguments(text: str, **numbers: int) -> argparse.Namespace:
    """Parses --seed, --folder, and an option for each of `numbers` with its default."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where a folder for the files is made (default: /dev/shm)")
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"(default: {default})")
    return parser.parse_args()
