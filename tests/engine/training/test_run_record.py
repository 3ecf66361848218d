"""run.json: what it holds after a training that ended, was stopped, failed, was resumed or was killed."""
import json
import logging
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import pytest
from light_head_rcnn import data
from light_head_rcnn.engine.config import saved_config
from light_head_rcnn.process_memory import peak_megabytes, resident_megabytes, workers_megabytes
from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.engine.training import surroundings
from light_head_rcnn.engine.training.hook import Hook
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.engine.training.run_record import UNKNOWN, RunRecord
from light_head_rcnn.errors import DataError

LOGGER = logging.getLogger("light_head_rcnn")
OPTIONS = ("symbol", "", "network.model", "light_head_rcnn_xception_coco", "dataset.test_image_set", "",
           "TRAIN.NUM_WORKERS", 0, "TRAIN.CHECKPOINT_STEPS", 2)


class At(Hook):
    """Does something after a step."""

    def __init__(self, step, act):
        self.step, self.act = step, act

    def after_step(self, trainer, report):
        if report.step == self.step:
            self.act(trainer)


def train(cfg, *hooks, **options):
    run = TrainingRun(cfg, [mx.cpu()], LOGGER, **options)
    run.trainer.hooks += hooks
    run.run()
    return content(cfg)


def content(cfg):
    return json.loads(Path(cfg.output_path, "run.json").read_text())


def fail(trainer):
    raise DataError("the disk is\nodd")


def test_a_run_tells_all_from_its_first_attempt_to_the_last(configure, monkeypatch):
    monkeypatch.setenv("MXNET_OF_A_TEST", "7")
    monkeypatch.setenv("DMLC_SECRET_TOKEN", "hidden")
    monkeypatch.setenv("HOME_OF_SECRETS", "hidden")
    cfg = configure("told", *OPTIONS, "TRAIN.end_epoch", 2)
    found = train(cfg, At(1, lambda trainer: trainer.stop("enough for today")))
    assert found["configuration"] == json.loads(json.dumps(saved_config(cfg)))
    (attempt,) = found["attempts"]
    assert attempt["reason"] == "stopped: enough for today"
    assert (attempt["first_step"], attempt["last_step"], attempt["changed"]) == (0, 1, {})
    assert attempt["versions"]["mxnet"] == mx.__version__ and attempt["devices"] == ["cpu(0)"]
    assert attempt["environment"]["MXNET_OF_A_TEST"] == "7"
    assert "hidden" not in Path(cfg.output_path, "run.json").read_text()
    assert attempt["machine"]["processors"] == os.cpu_count() and attempt["peak_mb"] > 50
    assert found["epochs"] == [] and len(found["data"]["train"]["fingerprint"]) == 64
    assert sum(found["data"]["train"]["boxes_per_class"].values()) == found["data"]["train"]["boxes"]

    other = configure("told", *OPTIONS, "TRAIN.end_epoch", 3)
    with pytest.raises(DataError):
        train(other, At(2, fail), resume=True)
    attempt = content(cfg)["attempts"][1]
    assert attempt["reason"].startswith("error: DataError: the disk is odd") and attempt["first_step"] == 1
    assert attempt["changed"]["TRAIN.end_epoch"] == [2, 3]

    found = train(other, resume=True)
    assert [one["reason"].partition(":")[0] for one in found["attempts"]] == ["stopped", "error", "finished"]
    lines = read_scalars(Path(cfg.output_path, "losses.jsonl"))
    assert [epoch["epoch"] for epoch in found["epochs"]] == [0, 1, 2]
    for epoch in found["epochs"]:
        losses = [line["loss"] for line in lines if line["epoch"] == epoch["epoch"]]
        assert len(losses) == epoch["steps"] and epoch["loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-12)
        assert epoch["images_per_second"] > 0 and epoch["resident_mb"] > 50


def test_a_test_belongs_to_the_epoch_that_was_tested(tmp_path):
    trainer = SimpleNamespace(step=0, steps_per_epoch=2, total=6, epoch=0, stop_reason=None, exit_status=0)
    with RunRecord(tmp_path, {}, {}, {}) as record:
        record.before_training(trainer)
        trainer.step, trainer.epoch = 2, 1
        record.after_epoch(trainer)
        record.after_test(trainer, {"AP": 0.1})
        for trainer.step in (3, 4):  # inside an epoch, and after one that has no entry
            record.after_test(trainer, {"AP": 0.2})
    assert [epoch["test"] for epoch in json.loads((tmp_path / "run.json").read_text())["epochs"]] == [{"AP": 0.1}]


def test_an_attempt_that_was_killed_is_told_by_the_next_one(tmp_path, caplog):
    with RunRecord(tmp_path, {"seed": 1}, {}, {}):
        killed = (tmp_path / "run.json").read_bytes()
    (tmp_path / "run.json").write_bytes(killed)
    (tmp_path / "losses.jsonl").write_text('{"step": 3, "loss": 1}\n{"step": 4, "loss": 1}\n{"step"')
    caplog.set_level(logging.INFO)
    with RunRecord(tmp_path, {"seed": 1}, {}, {}):
        pass
    first, second = json.loads((tmp_path / "run.json").read_text())["attempts"]
    assert (first["reason"], first["last_step"], first["ended"], second["reason"]) == (UNKNOWN, 4, None, "finished")
    assert "ended without a word, killed or together with the machine, after step 4 or later" in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"attempts": 3, "epochs": []}', '{"attempts": [3], "epochs": []}',
                                  '{"attempts": [], "epochs": [{}]}', "\udcff"])
def test_a_damaged_record_is_begun_anew(tmp_path, caplog, text):
    (tmp_path / "run.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with RunRecord(tmp_path, {}, {}, {}):
        pass
    assert len(json.loads((tmp_path / "run.json").read_text())["attempts"]) == 1
    assert "run.json is damaged and is written anew" in caplog.text


def test_an_interrupt_is_a_stop_and_a_full_disk_hides_no_error(tmp_path, monkeypatch, caplog):
    with pytest.raises(KeyboardInterrupt), RunRecord(tmp_path, {}, {}, {}):
        raise KeyboardInterrupt
    assert json.loads((tmp_path / "run.json").read_text())["attempts"][0]["reason"] == "stopped: KeyboardInterrupt"
    with pytest.raises(ZeroDivisionError), RunRecord(tmp_path / "other", {}, {}, {}) as record:
        def full():
            raise OSError("No space left on device")
        monkeypatch.setattr(record, "_write", full)
        raise ZeroDivisionError
    assert "could not be written: No space left" in caplog.text


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_state_of_a_checkout(tmp_path, monkeypatch):
    assert surroundings.checkout_state(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert surroundings.checkout_state(tmp_path) is None  # it has no commit
    (tmp_path / "a.py").write_text("1")
    subprocess.run([*git, "add", "a.py"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    state = surroundings.checkout_state(tmp_path.resolve())
    assert len(state["commit"]) == 40 and state["uncommitted_changes"] is False
    (tmp_path / "a.py").write_text("2")
    assert surroundings.checkout_state(tmp_path.resolve())["uncommitted_changes"] is True
    (tmp_path / "inner").mkdir()
    assert surroundings.checkout_state((tmp_path / "inner").resolve()) is None  # another project's checkout
    monkeypatch.setenv("PATH", "")
    assert surroundings.checkout_state(tmp_path.resolve()) is None


def dataset_of(*boxes, path="a/1.png", size=(10, 20)):
    records = [data.make_record(0, path, *size, [data.Annotation(box, 0) for box in boxes])]
    return type("Set", (), {"records": records, "classes": ["cat"]})()


def test_a_fingerprint_changes_with_the_annotations_alone():
    one = surroundings.fingerprint(dataset_of((0, 0, 5, 5)))
    assert one == surroundings.fingerprint(dataset_of((0, 0, 5, 5), path="b/1.png"))
    others = [dataset_of((0, 0, 5, 6)), dataset_of(), dataset_of((0, 0, 5, 5), path="a/2.png"),
              dataset_of((0, 0, 5, 5), size=(10, 21)), dataset_of((0, 0, 5, 5), (0, 0, 5, 5))]
    assert len({one, *map(surroundings.fingerprint, others)}) == 6


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
def test_memory_is_that_of_this_process_and_of_those_that_it_starts():
    before = resident_megabytes()
    block = bytearray(64 << 20)
    assert 50 < resident_megabytes() - before < 90 and peak_megabytes() >= resident_megabytes() - 1
    children = workers_megabytes()
    process = subprocess.Popen(["python3", "-c", "a = bytearray(80 << 20); print(flush=True); input()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    assert 70 < workers_megabytes() - children < 130
    process.communicate(b"\n")
    del block
