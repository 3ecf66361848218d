"""The benchmark of training steps: whose turn it is, and what the table and the file say."""
import json
import os

import mxnet as mx
import pytest

from light_head_rcnn.experiments import benchmark_training
from light_head_rcnn.experiments.benchmarks import machine, timing, training


def test_turns():
    order = []

    def run(name):
        for step in range(5):
            order.append(name)
            yield step

    assert timing.take_by_turns({"a": run("a"), "b": run("b")}, 5, 2) == {name: [0, 1, 2, 3, 4] for name in "ab"}
    assert "".join(order) == "aabbbbaaab"


def test_rows_are_of_the_steps_after_the_warm_up(configuring, tmp_path, monkeypatch):
    """In seconds: the first step, that warms up, takes 9; then 1, 2 and 3, the second configuration twice that."""
    class Training:
        def __init__(self, cfg, contexts, logger):
            assert (cfg.output_path, cfg.TRAIN.NUM_WORKERS) == (os.devnull, 0)
            self.trainer, self._factor = self, 2 if cfg.symbol else 1

        def time_steps(self, count):
            assert count == 4
            return iter([(self._factor * seconds, 10 * seconds) for seconds in (9, 1, 2, 3)])

    monkeypatch.setattr(training, "TrainingRun", Training)
    cfg = configuring(tmp_path, "TRAIN: {BATCH_IMAGES: 3}\n")
    cfgs = {"one": cfg("run"), "two": cfg("run", "symbol", "xception_rfcn_light")}
    one, two = training.time_configurations(cfgs, [None, None], None, steps=3, warm_up=1, turn=2)
    assert one["step"] == {"median": 2000, "low": 1500, "high": 2500}
    assert two["step"]["median"] == 4000 and one["processor"] == two["processor"]
    assert (one["images_per_second"], two["images_per_second"]) == (3, 1.5)
    assert (one["of_first"], two["of_first"]) == (1, 2)


@pytest.fixture
def command(configuring, shapes, tmp_path):
    for name, lines in (("gluon", "network: {model: light_head_rcnn_xception_coco}\n"),
                        ("graph", "symbol: xception_rfcn_light\n")):
        (tmp_path / name).mkdir()
        os.rename(configuring(tmp_path / name, lines).file, tmp_path / name / (name + ".yaml"))
    return ["--cfg", str(tmp_path / "gluon" / "gluon.yaml"), "--cfg", str(tmp_path / "graph" / "graph.yaml"), "--cpu",
            "--json", str(tmp_path / "times.json"), "dataset.dataset_path", shapes]


def test_table_and_file(command, tmp_path, capsys):
    assert benchmark_training.main(["--steps", "2", "--warm-up", "1", *command]) == 0
    written = json.loads((tmp_path / "times.json").read_text())
    assert (written["steps"], written["warm_up"], written["turn"]) == (2, 1, 10)
    assert [row["configuration"] for row in written["rows"]] == ["gluon", "graph"]
    for row in written["rows"]:
        assert row["images_per_second"] == pytest.approx(2000 / row["step"]["median"])
        assert 0 < row["step"]["low"] <= row["step"]["median"] <= row["step"]["high"]
    assert written["rows"][0]["of_first"] == 1
    assert written["devices"] == ["cpu(0)"] and written["machine"]["threads"] == machine.threads_in_use()
    printed = capsys.readouterr().out
    assert all(training.format_row(row) in printed for row in written["rows"])
    assert {path.name for path in tmp_path.iterdir()} == {"gluon", "graph", "times.json"}


@pytest.mark.parametrize("words, status, devices", [
    ([], 0, "cpu(0)"), (["--cpus", "2"], 0, "cpu(0) cpu(1)"), (["--gpus", "7"], 2, None)])
def test_devices_are_those_of_every_command(command, tmp_path, monkeypatch, words, status, devices):
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 0)
    monkeypatch.setattr(training, "time_configurations", lambda *args, **numbers: [])
    assert benchmark_training.main([*words, *(word for word in command if word != "--cpu")]) == status
    if devices is not None:
        assert " ".join(json.loads((tmp_path / "times.json").read_text())["devices"]) == devices


@pytest.mark.parametrize("words, complaint", [
    (["--steps", "0"], "--steps is 0; it must be at least 1"), (["--turn", "0"], "--turn is 0; it must be at least 1"),
    (["--warm-up", "-1"], "--warm-up is -1; it must be at least 0"),
    (["--threads", "0"], "--threads is 0; it must be at least 1")])
def test_numbers_are_checked(command, words, complaint, capsys):
    assert benchmark_training.main([*words, *command]) == 2
    assert complaint in capsys.readouterr().err


def test_files_of_one_name_are_refused(command, capsys):
    assert benchmark_training.main([*command[:2], *command]) == 2
    assert "two of the configuration files have the same name" in capsys.readouterr().err


def test_a_configuration_must_be_named(capsys):
    assert benchmark_training.main(["--cpu"]) == 2
    assert "--cfg FILE" in capsys.readouterr().err
