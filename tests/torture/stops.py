"""SIGTERM and SIGINT at random moments: the training saves, and goes on as if it had never stopped.

Before its first step it ends at once and leaves nothing behind; in a step it finishes that, in a test it gives that up;
it ends with 143 or 130, and tells of --resume. Checkpoints by minutes change nothing either.
`python tests/torture/stops.py --times 30 --seed 1`.
"""
import random
import signal
import time
from pathlib import Path

from trainings import Trial, arguments, leftovers, place

_STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}


def run(folder: Path, times: int, seed: int, report=print) -> None:
    """Stops trainings `times` times; raises AssertionError where more is lost than a test that was given up."""
    trial, draw = Trial(folder), random.Random(seed)
    began, process = time.monotonic(), trial.start("whole", "TRAIN.CHECKPOINT_STEPS=0")
    trial.wait_for_step("whole", 1, process)
    first_step = time.monotonic()
    assert process.wait() == 0, trial.said("whole")
    start, rest = first_step - began, time.monotonic() - first_step
    expected = trial.result("whole")
    try:
        _at_the_start(trial, draw.uniform(0.2, 0.6) * start)
        done = number = 0
        while done < times:
            done += _one_training(trial, f"run{number}", draw, rest, times - done, expected)
            number += 1
        name = "minutes"
        assert trial.train(name, "TRAIN.CHECKPOINT_STEPS=0", "TRAIN.SAVE_EVERY_MINUTES=0.0001") == 0, trial.said(name)
        assert trial.said(name).count("saved ") == trial.steps * trial.epochs and trial.result(name) == expected
        assert trial.left_processes() == []
    finally:
        trial.kill_all()
    report(f"seed {seed}: {done} signals in {number} trainings without checkpoints inside epochs; each saved, told of "
           "--resume, and ended with 143 or 130; all trainings ended as an unbroken one. Lost: nothing. A signal while "
           "the process starts leaves no file")


def _at_the_start(trial: Trial, seconds: float) -> None:
    process = trial.start("early")
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    assert process.wait() in (143, -signal.SIGTERM), trial.said("early")
    assert not (trial.folder / "early").exists() and trial.left_processes() == []


def _one_training(trial: Trial, name: str, draw: random.Random, seconds: float, most: int, expected) -> int:
    """Trains to the end, with at most so many stops between; returns their number."""
    stops = 0
    while True:
        before = trial.steps_of(name)
        process = trial.start(name, "--resume-if-any", "TRAIN.CHECKPOINT_STEPS=0")
        number, wait = draw.choice(list(_STATUS)), draw.uniform(0, seconds)
        trial.wait_for_another_step(name, before, process)
        until = time.monotonic() + (wait if stops < most else 10 ** 6)
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        stopped = process.poll() is None
        process.send_signal(number)
        status = process.wait()
        if status == 0:  # it came to its end, perhaps with the signal in its last moment
            assert trial.result(name) == expected
            assert not leftovers(trial.folder / name)
            return stops + stopped
        stops += 1
        assert status in (_STATUS[number], -number), (status, trial.said(name))
        assert trial.left_processes() == []
        reached = trial.steps_of(name)
        tag = f"{reached // trial.steps:04d}" if reached % trial.steps == 0 else f"step{reached:08d}"
        assert tag in trial.checkpoints(name), (reached, trial.checkpoints(name), trial.said(name))
        assert "with --resume goes on from here" in trial.said(name) or reached == trial.steps * trial.epochs


if __name__ == "__main__":
    given = arguments(__doc__, times=30)
    with place(given.folder) as where:
        run(where, given.times, given.seed)
