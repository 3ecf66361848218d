"""Checkpoints that are cut, or in which a bit has changed, are told from whole ones, and the one before is taken.

A small checkpoint is cut to every length, and every one of its bits is changed, in each of its files. Checkpoints of a
training are harmed at random places; `lhrcnn train --resume` and `lhrcnn test` say what they pass over, and the
training ends as an unbroken one. `python tests/torture/damage.py --times 200 --seed 1`.
"""
import logging
import random
import shutil
import subprocess
import sys
from pathlib import Path

import light_head_rcnn  # noqa: F401  (before MXNet)
import mxnet as mx
from light_head_rcnn.engine.checkpoints.checkpoint_files import Content, epoch_tag, write_checkpoint
from light_head_rcnn.engine.checkpoints.choosing import choose_latest
from trainings import PREFIX, Trial, arguments, place

ENDS = (".params", ".states", ".json")


def run_small(folder: Path, every: int = 1, report=print) -> None:
    """Harms a small checkpoint at each `every`-th place; raises AssertionError where that is not noticed."""
    prefix = str(folder / "net")
    content = Content({"arg:a": mx.nd.ones((2, 3))}, {"a": mx.nd.ones((2, 3))}, {"a": 4}, ("cat",))
    for epoch in (1, 2):
        write_checkpoint(prefix, epoch_tag(epoch), content, epoch, 10 * epoch)
    counts = dict.fromkeys(("lengths", "bits"), 0)
    for end in ENDS:
        file = Path(f"{prefix}-0002{end}")
        whole = file.read_bytes()
        for length in range(0, len(whole), every):
            file.write_bytes(whole[:length])
            counts["lengths"] += _is_passed_over(prefix)
        for bit in range(0, 8 * len(whole), every):
            file.write_bytes(_flipped(whole, bit))
            counts["bits"] += _is_passed_over(prefix)
        file.write_bytes(whole)
        assert choose_latest(prefix) == (f"{prefix}-0002", [])
    report(f"small checkpoint: {counts['lengths']} lengths and {counts['bits']} bits, all noticed, and the one before "
           "taken with a message")


def run_trained(folder: Path, times: int, seed: int, report=print) -> None:
    """Harms the last checkpoint of a training at random places, and goes on from it by the commands now and then."""
    trial, draw = Trial(folder), random.Random(seed)
    assert trial.train("whole") == 0, trial.said("whole")
    expected, name = trial.result("whole"), f"{PREFIX}-{trial.epochs:04d}"
    for number in range(times):
        end, file = draw.choice(ENDS), None
        file = folder / "whole" / (name + end)
        size = file.stat().st_size
        if draw.random() < 0.5:
            tail = _cut(file, draw.randrange(size))
        else:
            bit = draw.randrange(8 * size)
            flip(file, bit)
            tail = None
        choice = choose_latest(str(folder / "whole" / PREFIX))
        assert choice.base.endswith("-0001") and len(choice.damaged) == 1 and name in choice.damaged[0], choice
        if number % (max(times, 2) // 2) == 0:
            _go_on(trial, f"harmed{number}", name, expected)
        if tail is None:
            flip(file, bit)
        else:
            with open(file, "ab") as opened:
                opened.write(tail)
    assert trial.result("whole") == expected
    report(f"seed {seed}: a checkpoint of 38 MB, {times} cuts and bits at random, all noticed; lhrcnn train --resume "
           "and lhrcnn test name it and take the one before. Lost: the epoch since that one, which was trained again")


def _go_on(trial: Trial, copy: str, damaged: str, expected) -> None:
    told = f"; going on from {trial.folder / copy / PREFIX}-"
    shutil.copytree(trial.folder / "whole", trial.folder / copy)
    assert trial.train(copy, "--resume") == 0, trial.said(copy)
    assert f"{damaged} is damaged: " in trial.said(copy) and told in trial.said(copy)
    assert trial.result(copy) == expected
    shutil.rmtree(trial.folder / copy)
    shutil.copytree(trial.folder / "whole", trial.folder / copy, ignore=shutil.ignore_patterns("*-best.*"))
    tested = subprocess.run([sys.executable, "-m", "light_head_rcnn.experiments.commands.main", "test", "--cpu",
                             "--checkpoint", str(trial.folder / copy), "--out", str(trial.folder / copy / "tested")],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    said = tested.stdout
    assert tested.returncode == 0 and f"{damaged} is damaged: " in said and told in said, said
    shutil.rmtree(trial.folder / copy)


def _is_passed_over(prefix: str) -> bool:
    choice = choose_latest(prefix)
    assert choice.base == f"{prefix}-0001" and len(choice.damaged) == 1, choice
    choice.tell(logging.getLogger("nowhere"))
    return True


def _flipped(content: bytes, bit: int) -> bytes:
    return content[:bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1:]


def flip(file: Path, bit: int) -> None:
    """Changes a bit of a file, counted from its start."""
    with open(file, "r+b") as opened:
        opened.seek(bit // 8)
        byte = opened.read(1)[0]
        opened.seek(bit // 8)
        opened.write(bytes([byte ^ 1 << bit % 8]))


def _cut(file: Path, length: int) -> bytes:
    with open(file, "r+b") as opened:
        opened.seek(length)
        tail = opened.read()
        opened.truncate(length)
    return tail


if __name__ == "__main__":
    logging.getLogger("nowhere").addHandler(logging.NullHandler())
    given = arguments(__doc__, times=200)
    with place(given.folder) as where:
        run_small(where)
        run_trained(where, given.times, given.seed)
