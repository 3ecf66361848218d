"""The clock on the wall jumps back and forth while a training runs: it ends as an unbroken one.

A `sitecustomize.py` replaces `time.time` in the training and in its workers; checkpoints by minutes go by the monotonic
clock, and so does everything that waits. `python tests/torture/clock.py --seed 1`.
"""
import os
from pathlib import Path

from trainings import Trial, arguments, place

_JUMPING = """
import random, time
_draw, _time = random.Random({seed}), time.time
time.time = lambda: _time() + _draw.choice([-1e6, -86400, -3600, -1, 0, 3600, 1e6])
"""


def run(folder: Path, seed: int, report=print) -> None:
    """Trains with such a clock; raises AssertionError where that shows."""
    trial = Trial(folder)
    assert trial.train("whole") == 0, trial.said("whole")
    path = write_clock(folder, seed)
    words = "TRAIN.CHECKPOINT_STEPS=0", "TRAIN.SAVE_EVERY_MINUTES=0.0001"
    assert trial.train("jumping", *words, env={"PYTHONPATH": path}) == 0, trial.said("jumping")
    assert trial.result("jumping") == trial.result("whole")
    assert trial.said("jumping").count("saved ") == trial.steps * trial.epochs
    assert trial.train("jumping", "--resume", env={"PYTHONPATH": path}) == 0
    log = (folder / "jumping" / "train.log").read_text().splitlines()
    assert len({line[:10] for line in log if line[:2] == "20"}) > 2, "the clock did not jump"
    report(f"seed {seed}: a clock that jumps by up to 23 days at each look. Lost: nothing but the times in the log")


def write_clock(folder: Path, seed: int) -> str:
    """Writes the module that makes the clock jump; returns its folder, for PYTHONPATH."""
    (folder / "clock").mkdir()
    (folder / "clock" / "sitecustomize.py").write_text(_JUMPING.format(seed=seed))
    return os.pathsep.join(filter(None, [str(folder / "clock"), os.environ.get("PYTHONPATH")]))


if __name__ == "__main__":
    given = arguments(__doc__)
    with place(given.folder) as where:
        run(where, given.seed)
