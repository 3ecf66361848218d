"""Training as a configuration says, on a handful of small images: resuming, refusing, fixed layers, devices."""
import json
import logging
import re
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.errors import CheckpointError, TrainingError
from light_head_rcnn import data
from light_head_rcnn.engine.evaluation.run import TestResult
from light_head_rcnn.engine.training import checkpoint_hooks, run
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.engine.training.trainer import Trainer
from light_head_rcnn.engine.checkpoints.checkpoint_files import read_checkpoint
from light_head_rcnn.engine.inference.changed_networks import write_network
from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.gluon_models.backbones import resnet

LOGGER = logging.getLogger("test")


@pytest.fixture
def configure(configuring, tmp_path):
    return configuring(tmp_path, "network: {model: light_head_rcnn_xception_coco}\n")


def answer_tests(monkeypatch, metrics):
    """Replaces each test of a training by the metrics that the function `metrics` returns."""
    monkeypatch.setattr(run, "test_network", lambda *arguments: TestResult(metrics(), []))


def read_steps(cfg):
    """The lines of the steps; those of tests have no loss."""
    return [line for line in read_scalars(cfg.output_path + "/losses.jsonl") if "loss" in line]


def train(cfg, contexts=None, **options):
    training = TrainingRun(cfg, contexts or [mx.cpu()], LOGGER, **options)
    training.run()
    return training, read_steps(cfg)


def losses(lines):
    return [[line[name] for name in ("rpn_cls", "rpn_box", "rcnn_cls", "rcnn_box", "loss", "lr")] for line in lines]


def assert_same_parameters(net, other, apart_from=()):
    found = other.collect_params()
    for name, parameter in net.collect_params().items():
        if not name.startswith(apart_from):
            np.testing.assert_array_equal(parameter.data().asnumpy(), found[name].data().asnumpy(), err_msg=name)


@pytest.mark.parametrize("options", [
    ("TRAIN.optimizer", "sgd", "network.ROI_POOL", "psroi_align"),
    ("TRAIN.optimizer", "adam", "TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 6)])
def test_resumed_run_continues_the_unbroken_one(configure, options):
    whole, expected = train(configure("whole", *options))
    assert len(expected) == 6
    train(configure("broken", "TRAIN.end_epoch", 1, *options))
    resumed, lines = train(configure("broken", *options), resume=True)
    assert losses(lines) == losses(expected)
    assert_same_parameters(whole.net, resumed.net)


def test_a_pyramid_learns_at_all_levels(configure, monkeypatch):
    monkeypatch.setitem(resnet.DEPTHS, 50, ((1, 1, 1, 1), ()))
    cfg = configure("run", "network.model", "light_head_rcnn_fpn_resnet50_v1_coco", "network.RPN_FEAT_STRIDE",
                    "[4, 8, 16, 32, 64]", "TRAIN.end_epoch", 1)
    training, lines = train(cfg)
    assert len(lines) == 3 and np.isfinite(losses(lines)).all()
    label, target, _ = next(iter(training.trainer.loader.epoch(0)))[3:]
    cells = 16 ** 2 + 8 ** 2 + 4 ** 2 + 2 ** 2 + 1
    assert label.shape == (2, 2 * cells) and target.shape == (2, 8, cells)


def test_the_keys_of_the_mxnet_original_name_the_epoch_to_go_on_from(configure):
    _, expected = train(configure("run"))
    named = configure("run", "TRAIN.RESUME", True, "TRAIN.begin_epoch", 1)
    with pytest.raises(TrainingError, match="there are later checkpoints, the last one .*-0002. To go on from that"):
        train(named)
    assert losses(read_steps(named)) == losses(expected)
    for path in Path(named.output_path).glob("*-0002.*"):
        path.unlink()
    _, lines = train(named)
    assert losses(lines) == losses(expected)
    with pytest.raises(CheckpointError, match="run/light_head_rcnn-0007"):
        train(configure("run", "TRAIN.RESUME", True, "TRAIN.begin_epoch", 7))


def test_the_key_resume_alone_goes_on_from_the_last_checkpoint(configure):
    train(configure("run", "TRAIN.end_epoch", 1))
    training, lines = train(configure("run", "TRAIN.RESUME", True))
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6] and training.trainer.step == 6


def test_resume_goes_before_the_epoch_that_is_named(configure):
    """With all three flags training goes on from the last checkpoint, not from that of TRAIN.begin_epoch."""
    training, expected = train(configure("run"))
    cfg = configure("run", "TRAIN.RESUME", True, "TRAIN.begin_epoch", 1)
    resumed = TrainingRun(cfg, [mx.cpu()], LOGGER, resume=True)
    assert resumed.trainer.step == training.trainer.total == 6
    assert losses(read_steps(configure("run"))) == losses(expected)


def test_begin_epoch_alone_leaves_out_the_first_steps(configure):
    training, lines = train(configure("run", "TRAIN.begin_epoch", 1, "TRAIN.lr_step", 1))
    assert [line["step"] for line in lines] == [4, 5, 6]
    assert [line["lr"] for line in lines] == [pytest.approx(2 * 0.0001)] * 3 and training.trainer.total == 6


def test_same_seed_same_losses_and_another_seed_others(configure):
    runs = [losses(train(configure(name, "TRAIN.end_epoch", 1, "seed", seed))[1])
            for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    assert runs[0] == runs[1] != runs[2]


def test_earlier_run_is_not_overwritten(configure):
    cfg = configure("run", "TRAIN.end_epoch", 1)
    train(cfg)
    with pytest.raises(TrainingError, match="--resume"):
        train(cfg)
    with pytest.raises(TrainingError, match="TRAIN.lr: 0.001 in the checkpoint, 0.5 now"):
        train(configure("run", "TRAIN.lr", 0.5), resume=True)
    with pytest.raises(TrainingError, match="2 in the checkpoint .*4 now .*TRAIN.BATCH_IMAGES=1 keeps them"):
        train(cfg, [mx.cpu(0), mx.cpu(1)], resume=True)


def test_a_network_that_no_training_wrote_is_not_resumed(configure):
    cfg = configure("run", "TRAIN.end_epoch", 1)
    training, _ = train(cfg)
    base = write_network(training.net, cfg, configure("changed").output_path)
    for way in ("resume", "extend", "resume_if_any"):
        with pytest.raises(TrainingError, match=f"not written by the training .*network.pretrained={base}.params out"):
            TrainingRun(configure("changed"), [mx.cpu()], LOGGER, **{way: True})
    TrainingRun(configure("next", "network.pretrained", base + ".params"), [mx.cpu()], LOGGER)


def test_other_data_do_not_continue_a_run(configure, shapes, tmp_path):
    train(configure("run", "TRAIN.end_epoch", 1))
    data.write_shapes(tmp_path / "more", train=9, val=1)
    with pytest.raises(TrainingError, match="steps_per_epoch: 3 in the checkpoint, [45] now"):
        train(configure("run", "dataset.dataset_path", tmp_path / "more"), resume=True)
    with pytest.raises(TrainingError, match="dataset.classes"):
        train(configure("run", "dataset.classes", "star,circle,triangle"), resume=True)


def test_nothing_to_train_on(configure, shapes, tmp_path):
    for folder in ("annotations", "train"):
        (tmp_path / "empty" / folder).mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(str(tmp_path / "empty" / "train" / "1.png"))
    (tmp_path / "empty" / "annotations" / "instances_train.json").write_text(
        '{"images": [{"id": 1, "file_name": "1.png", "width": 32, "height": 32}], "annotations": [], '
        '"categories": [{"id": 1, "name": "a"}]}')
    with pytest.raises(data.DataError, match="empty: no image of train has a box"):
        train(configure("run", "dataset.dataset_path", tmp_path / "empty", "dataset.dataset", "coco",
                        "dataset.test_image_set", ""))


def test_loss_that_is_not_finite_stops_and_saves_nothing(configure, tmp_path):
    with pytest.raises(TrainingError, match="at step .*TRAIN.lr"):
        train(configure("run", "TRAIN.lr", 1e30))
    assert not list((tmp_path / "run").glob("*.params"))


def test_two_devices(configure):
    training, lines = train(configure("run", "TRAIN.end_epoch", 1, "TRAIN.BATCH_IMAGES", 1), [mx.cpu(0), mx.cpu(1)])
    assert len(lines) == 3 and np.isfinite(losses(lines)).all()
    for parameter in training.net.collect_params().values():
        if parameter.grad_req != "null":
            first, second = (a.asnumpy() for a in parameter.list_data())
            np.testing.assert_array_equal(first, second)


def test_fixed_parameters_stay(configure):
    words = ("res2", "beta")
    cfg = configure("run", "TRAIN.end_epoch", 1, "network.FIXED_PARAMS", "[res2, beta]")
    training = TrainingRun(cfg, [mx.cpu()], LOGGER)
    parameters = training.net.collect_params()
    before = {name: p.data().asnumpy().copy() for name, p in parameters.items()}
    training.run()
    for name, parameter in parameters.items():
        if "moving" not in name:
            fixed = any(word in name for word in words)
            assert (parameter.data().asnumpy() == before[name]).all() == fixed, name
            assert (parameter.grad_req == "null") == fixed, name


def test_stopped_inside_an_epoch(configure, monkeypatch):
    _, expected = train(configure("whole"))
    step = Trainer.train_step

    def die(self, batch):
        if self.step == 5:
            raise KeyboardInterrupt
        return step(self, batch)

    monkeypatch.setattr(Trainer, "train_step", die)
    cfg = configure("broken", "TRAIN.CHECKPOINT_STEPS", 1)
    with pytest.raises(KeyboardInterrupt):
        train(cfg)
    monkeypatch.undo()
    resumed = TrainingRun(cfg, [mx.cpu()], LOGGER, resume=True)
    assert resumed.trainer.step == 5
    resumed.run()
    assert losses(read_steps(cfg)) == losses(expected)


def files(folder, end):
    return sorted(path.name for path in Path(folder).glob("*" + end))


def test_old_checkpoints_go_and_the_best_stays(configure, tmp_path, monkeypatch):
    figures = iter([0.2, 0.5, 0.4, 0.3])
    answer_tests(monkeypatch, lambda: {"coco": {"AP": next(figures), "AP50": 0.9}})
    cfg = configure("run", "TRAIN.end_epoch", 4, "TRAIN.TEST_EVERY", 1, "TRAIN.KEEP_CHECKPOINTS", 2)
    train(cfg)
    lines = read_scalars(cfg.output_path + "/losses.jsonl")
    assert files(tmp_path / "run", ".params") == [f"light_head_rcnn-{tag}.params" for tag in ("0003", "0004", "best")]
    state = read_checkpoint(str(tmp_path / "run" / "light_head_rcnn-best"))
    assert (state["epoch"], state["test"]) == (2, {"AP": 0.5})
    assert [line["test_AP"] for line in lines if "test_AP" in line] == [0.2, 0.5, 0.4, 0.3]
    answer_tests(monkeypatch, lambda: {"coco": {"AP": 0.45}})
    train(configure("run", "TRAIN.end_epoch", 5, "TRAIN.TEST_EVERY", 1), resume=True)
    assert read_checkpoint(str(tmp_path / "run" / "light_head_rcnn-best"))["epoch"] == 2
    assert files(tmp_path / "run", ".params") == [f"light_head_rcnn-{tag}.params" for tag in ("0004", "0005", "best")]


def test_a_run_that_ends_while_the_best_is_copied_makes_the_test_again(configure, tmp_path, monkeypatch):
    answer_tests(monkeypatch, lambda: {"coco": {"AP": 0.4, "AP50": 0.9}})
    options = "TRAIN.end_epoch", 3, "TRAIN.TEST_EVERY", 2

    def end(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint_hooks, "copy_checkpoint", end)
        train(configure("run", *options))
    train(configure("run", *options), resume=True)
    assert read_checkpoint(str(tmp_path / "run" / "light_head_rcnn-best"))["epoch"] == 2
    lines = read_scalars(tmp_path / "run" / "losses.jsonl")
    assert [line["step"] for line in lines if "test_AP" in line] == [6, 9]


def test_a_run_that_was_stopped_in_its_only_test_makes_and_records_it(configure, monkeypatch):
    def end():
        raise KeyboardInterrupt

    cfg = configure("run", "TRAIN.end_epoch", 1)
    answer_tests(monkeypatch, end)
    with pytest.raises(KeyboardInterrupt):
        train(cfg)
    tests = []
    answer_tests(monkeypatch, lambda: tests.append(1) or {"coco": {"AP": 0.4, "AP50": 0.9}})
    for _ in range(2):  # the second time all is recorded, and a test is made of what is finished
        train(cfg, resume=True)
        lines = read_scalars(cfg.output_path + "/losses.jsonl")
        assert [(line["step"], line["test_AP"]) for line in lines if "test_AP" in line] == [(3, 0.4)]
        (epoch,) = json.loads(Path(cfg.output_path, "run.json").read_text())["epochs"]
        assert epoch["test"] == {"AP": 0.4, "AP50": 0.9}
    assert len(tests) == 2


def test_training_ends_early_where_tests_get_no_better(configure, monkeypatch):
    figures = iter([0.3, 0.2, 0.3, 0.1])
    answer_tests(monkeypatch, lambda: {"coco": {"AP": next(figures), "AP50": 0.9}})
    training, _ = train(configure("run", "TRAIN.end_epoch", 9, "TRAIN.TEST_EVERY", 1, "TRAIN.EARLY_STOP_TESTS", 2))
    assert training.trainer.epoch == 3 and next(figures, None) is None


def test_early_stopping_counts_the_tests_before_a_resume(configure, monkeypatch):
    figures = iter([0.3, 0.2, 0.1, 0.1, 0.1, 0.1])
    answer_tests(monkeypatch, lambda: {"coco": {"AP": next(figures), "AP50": 0.9}})
    options = "TRAIN.TEST_EVERY", 1, "TRAIN.EARLY_STOP_TESTS", 2
    train(configure("run", "TRAIN.end_epoch", 2, *options))
    resumed, _ = train(configure("run", "TRAIN.end_epoch", 9, *options), resume=True)
    assert resumed.trainer.epoch == 3
    extended, _ = train(configure("run", "TRAIN.end_epoch", 5, *options), extend=True)
    assert extended.trainer.epoch == 5 and extended.trainer.stop_reason is None


@pytest.mark.slow
def test_a_run_that_early_stopping_ended_is_finished_until_it_is_extended(configure, monkeypatch):
    answer_tests(monkeypatch, lambda: {"coco": {"AP": 0.3, "AP50": 0.9}})
    options = "TRAIN.TEST_EVERY", 1, "TRAIN.EARLY_STOP_TESTS", 2, "TRAIN.end_epoch"
    first, lines = train(configure("run", *options, 9))
    resumed, same_lines = train(configure("run", *options, 9), resume_if_any=True)
    assert (resumed.trainer.epoch, resumed.trainer.stop_reason) == (3, first.trainer.stop_reason)
    assert same_lines == lines
    extended, _ = train(configure("run", *options, 4), extend=True)
    # What an extension has begun goes on, too: the tests before it do not count.
    resumed_extension, _ = train(configure("run", *options, 5), resume=True)
    assert (extended.trainer.epoch, resumed_extension.trainer.epoch) == (4, 5)


def test_early_stopping_without_tests_is_warned_of(configure, caplog):
    with caplog.at_level(logging.INFO):
        TrainingRun(configure("run", "TRAIN.EARLY_STOP_TESTS", 2), [mx.cpu()], LOGGER)
    assert "warning: TRAIN.EARLY_STOP_TESTS is 2, but there are no tests between epochs" in caplog.text


def test_a_run_of_which_only_the_best_is_left_is_not_overwritten(configure, tmp_path, monkeypatch):
    answer_tests(monkeypatch, lambda: {"coco": {"AP": 0.5, "AP50": 0.9}})
    cfg = configure("run", "TRAIN.TEST_EVERY", 1)
    train(cfg)
    for path in (tmp_path / "run").glob("light_head_rcnn-0*"):
        path.unlink()
    with pytest.raises(TrainingError, match="light_head_rcnn-best"):
        train(cfg)
    training, _ = train(cfg, resume=True)
    assert training.trainer.epoch == 2


@pytest.mark.parametrize("way", ["resume", "extend", "TRAIN.RESUME"])
def test_a_run_that_was_to_go_on_does_not_begin(configure, way):
    options = {} if way.isupper() else {way: True}
    cfg = configure("typo", *(() if options else (way, True)))
    with pytest.raises(TrainingError, match="there is no checkpoint in .*/typo to go on from.*--resume-if-any"):
        TrainingRun(cfg, [mx.cpu()], LOGGER, **options)


def test_a_run_goes_on_or_begins(configure, caplog):
    caplog.set_level(logging.INFO)
    cfg = configure("run", "TRAIN.end_epoch", 1)
    first = TrainingRun(cfg, [mx.cpu()], LOGGER, resume_if_any=True)
    assert "run/light_head_rcnn-*: the training starts from the beginning" in caplog.text and first.trainer.step == 0
    first.run()
    assert TrainingRun(cfg, [mx.cpu()], LOGGER, resume_if_any=True).trainer.step == 3


def test_damaged_checkpoints_are_told_and_not_written_over(configure, tmp_path, caplog):
    cfg = configure("run")
    train(cfg)
    second, first = (tmp_path / "run" / f"light_head_rcnn-000{epoch}.params" for epoch in (2, 1))
    second.write_bytes(second.read_bytes()[:1000])
    training = TrainingRun(cfg, [mx.cpu()], LOGGER, resume=True)
    assert training.trainer.epoch == 1
    assert re.search("-0002 is damaged: .*-0002.params has 1000 bytes, .*; going on from .*-0001\n", caplog.text)
    first.write_bytes(b"")
    for resume in (True, False):
        with pytest.raises(TrainingError, match="is damaged:\n  .*-0001.params has 0 bytes.*\n  .*-0002"):
            TrainingRun(cfg, [mx.cpu()], LOGGER, resume=resume)
    assert len(second.read_bytes()) == 1000


def test_a_finished_run_is_extended(configure):
    train(configure("run", "TRAIN.end_epoch", 1))
    more = "TRAIN.end_epoch", 2, "TRAIN.lr", 0.5, "TRAIN.lr_step", "1"
    with pytest.raises(TrainingError, match="--extend to go on with another schedule, or begin a new run with these "
                                            "weights: network.pretrained=.*-0001.params output_path=PATH"):
        train(configure("run", *more), resume=True)
    training, lines = train(configure("run", *more), extend=True)
    assert training.trainer.step == 6 and [line["lr"] for line in lines[3:]] == [pytest.approx(0.1)] * 3
    with pytest.raises(TrainingError, match="TRAIN.RPN_BATCH_SIZE"):
        train(configure("run", *more, "TRAIN.RPN_BATCH_SIZE", 4), extend=True)


def test_more_epochs_are_another_schedule_of_a_cosine(configure, caplog):
    caplog.set_level(logging.INFO)
    cosine = "TRAIN.lr_schedule", "cosine", "TRAIN.end_epoch"
    train(configure("run", *cosine, 1))
    assert "to 0 at the end of epoch 1; TRAIN.lr_step and TRAIN.lr_factor are not read" in caplog.text
    with pytest.raises(TrainingError, match="TRAIN.end_epoch: 1 in the checkpoint, 2 now(.|\n)*pass --extend"):
        train(configure("run", *cosine, 2), resume=True)
    _, lines = train(configure("run", *cosine, 2), extend=True)
    shares = [(1 + np.cos(np.pi * done / of)) / 2 for done, of in ((0, 3), (1, 3), (2, 3), (3, 6), (4, 6), (5, 6))]
    assert [line["lr"] for line in lines] == pytest.approx([2 * 0.001 * share for share in shares])


def test_a_new_run_begins_with_the_weights_of_another(configure, caplog):
    caplog.set_level(logging.INFO)
    first, _ = train(configure("first", "TRAIN.end_epoch", 1))
    cfg = configure("second", "network.pretrained", configure("first").output_path + "/light_head_rcnn-0001.params")
    second = TrainingRun(cfg, [mx.cpu()], LOGGER)
    assert_same_parameters(first.net, second.net)
    assert re.search("taken +([0-9]+) of \\1 arrays of the backbone, rpn_conv_3x3, .*\n  new +nothing", caplog.text)
    # For other classes the layer of the classes alone begins anew.
    cfg = configure("third", "network.pretrained", configure("first").output_path + "/light_head_rcnn-0001",
                    "dataset.classes", "circle,star", "dataset.ON_ERROR", "skip", "dataset.test_image_set", "")
    third = TrainingRun(cfg, [mx.cpu()], LOGGER)
    assert re.search("new +cls_score\n  left over +cls_score \\(for other classes", caplog.text)
    assert_same_parameters(first.net, third.net, apart_from=("cls_score",))
    assert third.net.head.cls_score.weight.data().shape[0] == 3


def test_a_start_that_fails_leaves_nothing_behind(configure, tmp_path):
    with pytest.raises(data.DataError):
        train(configure("run", "dataset.dataset", "coco", "dataset.dataset_path", tmp_path / "nowhere"))
    assert not (tmp_path / "run").exists()
