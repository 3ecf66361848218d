"""Which checkpoint is gone on from where some are damaged, and what is said about it."""
import json
import logging
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints.checkpoint_files import (
    BEST, Content, copy_checkpoint, epoch_tag, read_checkpoint, step_tag, verify_checkpoint, write_checkpoint)
from light_head_rcnn.engine.checkpoints.checksums import sealed_json
from light_head_rcnn.engine.checkpoints.choosing import (
    choose_best, choose_best_or_latest, choose_latest, choose_latest_or_best)
from light_head_rcnn.errors import CheckpointError

CONTENT = Content({"arg:a_weight": mx.nd.array([[1, 2, 3], [4, 5, 6]])}, {"a_weight": mx.nd.ones((2, 3))},
                  {"a_weight": 4}, ("cat", "dog"))
LAST = step_tag(35)


@pytest.fixture
def prefix(tmp_path):
    """A run with a checkpoint after epochs 1, 2 and 3 of ten steps, one inside epoch 4, and a best one."""
    prefix = str(tmp_path / "net")
    for tag, step in ((epoch_tag(1), 10), (epoch_tag(2), 20), (epoch_tag(3), 30), (LAST, 35)):
        write_checkpoint(prefix, tag, CONTENT, step // 10, step, {"config": {"seed": 3}})
    copy_checkpoint(f"{prefix}-0002", prefix, BEST, {"test": {"AP": 0.5}})
    return prefix


def flip(path, position, bit):
    content = bytearray(Path(path).read_bytes())
    content[position] ^= 1 << bit
    Path(path).write_bytes(content)


def test_nothing_is_said_about_whole_checkpoints(prefix):
    assert choose_latest(prefix) == (f"{prefix}-{LAST}", [])
    assert choose_best(prefix) == choose_best_or_latest(prefix) == (f"{prefix}-best", [])


@pytest.mark.parametrize("end", [".params", ".states", ".json"])
def test_cuts_and_bits_are_noticed(prefix, end):
    """A sample; tests/torture/damage.py tries every length and every bit."""
    file = Path(f"{prefix}-{LAST}{end}")
    content = file.read_bytes()
    for length in [*range(0, len(content), 9), len(content) - 1]:
        file.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            read_checkpoint(f"{prefix}-{LAST}")
    file.write_bytes(content + b"\n")
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(f"{prefix}-{LAST}")
    for place in range(0, 8 * len(content), 33):
        file.write_bytes(content)
        flip(file, *divmod(place, 8))
        with pytest.raises(CheckpointError):
            verify_checkpoint(f"{prefix}-{LAST}")
    file.write_bytes(content)
    assert verify_checkpoint(f"{prefix}-{LAST}")["step"] == 35


def test_the_one_before_is_taken_and_all_that_were_passed_over_are_told(prefix, caplog):
    flip(f"{prefix}-{LAST}.params", 100, 0)
    Path(f"{prefix}-0003.json").write_bytes(Path(f"{prefix}-0003.json").read_bytes()[:-9])
    Path(f"{prefix}-0001.states").unlink()  # is not reached
    choice = choose_latest(prefix)
    assert choice.base == f"{prefix}-0002"
    with caplog.at_level(logging.WARNING):
        choice.tell(logging.getLogger("test"))
    first, second = caplog.messages
    assert f"{prefix}-0003 is damaged: {prefix}-0003.json is not the JSON file of a checkpoint" in first
    assert second == (f"{prefix}-{LAST} is damaged: {prefix}-{LAST}.params is not what was written (its checksum "
                      f"differs); going on from {prefix}-0002")


def test_the_latest_takes_the_place_of_a_damaged_best_one_and_the_other_way_round(prefix):
    flip(f"{prefix}-best.params", 100, 0)
    choice = choose_best_or_latest(prefix)
    assert choice.base == f"{prefix}-{LAST}" and len(choice.damaged) == 1 and "-best is damaged" in choice.damaged[0]
    copy_checkpoint(f"{prefix}-0002", prefix, BEST)
    for tag in ("0001", "0002", "0003", LAST):
        Path(f"{prefix}-{tag}.states").unlink()
    choice = choose_latest_or_best(prefix)
    assert choice.base == f"{prefix}-best" and len(choice.damaged) == 4
    Path(f"{prefix}-best.params").unlink()
    choice = choose_latest_or_best(prefix)
    assert choice.base is None and len(choice.damaged) == 5


def test_a_write_that_was_killed_is_no_damage(prefix):
    Path(f"{prefix}-{LAST}.json").unlink()
    assert choose_latest(prefix) == (f"{prefix}-0003", [])


def test_checkpoints_of_earlier_versions_have_no_checksums(prefix):
    base = f"{prefix}-{LAST}"
    state = read_checkpoint(base)
    del state["checksums"]
    Path(base + ".json").write_text(json.dumps(dict(state, format=1)))
    assert choose_latest(prefix) == (base, []) and verify_checkpoint(base)["config"] == {"seed": 3}
    Path(base + ".params").write_bytes(b"")
    assert choose_latest(prefix).base == f"{prefix}-0003"


def test_a_seal_covers_every_entry():
    content = sealed_json({"a": 1, "b": [0.5, None]})
    state = json.loads(content)
    assert state.pop("checksum") != json.loads(sealed_json({"a": 2, "b": [0.5, None]}))["checksum"]
    assert state == {"a": 1, "b": [0.5, None]}
