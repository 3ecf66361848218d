"""End-to-end training on a handful of small images: resuming, refusing, learning rates, fixed layers, devices."""
import logging
import time

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn import data
from light_head_rcnn.experiments import train_end2end
from light_head_rcnn.engine.building import build
from light_head_rcnn.engine.training import trainer
from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.gluon_models.backbones import resnet

LOGGER = logging.getLogger("test")


@pytest.fixture
def configure(configuring, tmp_path):
    return configuring(tmp_path, "network: {model: light_head_rcnn_xception_coco}\n")


def train(cfg, contexts=None, **options):
    training = trainer.EndToEndTrainer(cfg, contexts or [mx.cpu()], LOGGER, **options)
    training.run()
    return training, read_scalars(cfg.output_path + "/losses.jsonl")


def losses(lines):
    return [[line[name] for name in ("rpn_cls", "rpn_box", "rcnn_cls", "rcnn_box", "loss", "lr")] for line in lines]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("more", [("network.ROI_POOL", "psroi_align"),
                                  ("TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 6)])
def test_resumed_run_continues_the_unbroken_one(configure, optimizer, more):
    options = ("TRAIN.optimizer", optimizer) + more
    whole, expected = train(configure("whole", *options))
    assert len(expected) == 6
    train(configure("broken", "TRAIN.end_epoch", 1, *options))
    resumed, lines = train(configure("broken", *options), resume=True)
    assert losses(lines) == losses(expected)
    for name, parameter in whole.net.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), resumed.net.collect_params()[name].data().asnumpy())


def test_a_pyramid_learns_at_all_levels(configure, monkeypatch):
    monkeypatch.setitem(resnet.DEPTHS, 50, ((1, 1, 1, 1), ()))
    cfg = configure("run", "network.model", "light_head_rcnn_fpn_resnet50_v1_coco", "network.RPN_FEAT_STRIDE",
                    "[4, 8, 16, 32, 64]", "TRAIN.end_epoch", 1)
    training, lines = train(cfg)
    assert len(lines) == 3 and np.isfinite(losses(lines)).all()
    label, target, _ = next(iter(training._loader.epoch(0)))[3:]
    cells = 16 ** 2 + 8 ** 2 + 4 ** 2 + 2 ** 2 + 1
    assert label.shape == (2, 2 * cells) and target.shape == (2, 8, cells)


def test_stopped_inside_an_epoch(configure, monkeypatch):
    _, expected = train(configure("whole"))
    step = trainer.EndToEndTrainer._train_step

    def die(self, batch):
        if self.step == 5:
            raise KeyboardInterrupt
        return step(self, batch)

    monkeypatch.setattr(trainer.EndToEndTrainer, "_train_step", die)
    cfg = configure("broken", "TRAIN.CHECKPOINT_STEPS", 1)
    with pytest.raises(KeyboardInterrupt):
        train(cfg)
    monkeypatch.undo()
    resumed = trainer.EndToEndTrainer(cfg, [mx.cpu()], LOGGER, resume=True)
    assert resumed.step == 5
    resumed.run()
    assert losses(read_scalars(cfg.output_path + "/losses.jsonl")) == losses(expected)


def test_images_a_second_are_from_one_step_to_the_next(configure, monkeypatch):
    step = trainer.EndToEndTrainer._train_step

    def slow(self, batch):
        answer = step(self, batch)
        time.sleep(0.5)
        return answer

    monkeypatch.setattr(trainer.EndToEndTrainer, "_train_step", slow)
    cfg = configure("run", "TRAIN.end_epoch", 1)
    _, lines = train(cfg)
    assert all(0 < line["images_per_second"] <= cfg.TRAIN.BATCH_IMAGES / 0.5 for line in lines)


def test_the_ports_keys_name_the_epoch_to_go_on_from(configure):
    _, expected = train(configure("run"))
    _, lines = train(configure("run", "TRAIN.RESUME", True, "TRAIN.begin_epoch", 1))
    assert losses(lines) == losses(expected)
    with pytest.raises(CheckpointError, match="run/light_head_rcnn-0007"):
        train(configure("run", "TRAIN.RESUME", True, "TRAIN.begin_epoch", 7))


def test_begin_epoch_alone_leaves_out_the_first_steps(configure):
    training, lines = train(configure("run", "TRAIN.begin_epoch", 1, "TRAIN.lr_step", 1))
    assert [line["step"] for line in lines] == [4, 5, 6]
    assert [line["lr"] for line in lines] == [pytest.approx(2 * 0.0001)] * 3 and training.total == 6


def test_same_seed_same_losses_and_another_seed_others(configure):
    runs = [losses(train(configure(name, "TRAIN.end_epoch", 1, "seed", seed))[1])
            for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    assert runs[0] == runs[1] != runs[2]


def test_earlier_run_is_not_overwritten(configure):
    cfg = configure("run", "TRAIN.end_epoch", 1)
    train(cfg)
    with pytest.raises(trainer.TrainingError, match="--resume"):
        train(cfg)
    with pytest.raises(trainer.TrainingError, match="TRAIN.lr: 0.001 in the checkpoint, 0.5 now"):
        train(configure("run", "TRAIN.lr", 0.5), resume=True)
    with pytest.raises(trainer.TrainingError, match="devices: 1 in the checkpoint, 2 now"):
        train(cfg, [mx.cpu(0), mx.cpu(1)], resume=True)


def test_other_data_do_not_continue_a_run(configure, shapes, tmp_path):
    train(configure("run", "TRAIN.end_epoch", 1))
    data.write_shapes(tmp_path / "more", train=9, val=1)
    with pytest.raises(trainer.TrainingError, match="steps_per_epoch: 3 in the checkpoint, [45] now"):
        train(configure("run", "dataset.dataset_path", tmp_path / "more"), resume=True)
    with pytest.raises(trainer.TrainingError, match="dataset.classes"):
        train(configure("run", "dataset.classes", "star,circle,triangle"), resume=True)


def test_nothing_to_train_on(configure, shapes, tmp_path):
    for folder in ("annotations", "train"):
        (tmp_path / "empty" / folder).mkdir(parents=True)
    Image.new("RGB", (32, 32)).save(str(tmp_path / "empty" / "train" / "1.png"))
    (tmp_path / "empty" / "annotations" / "instances_train.json").write_text(
        '{"images": [{"id": 1, "file_name": "1.png", "width": 32, "height": 32}], "annotations": [], '
        '"categories": [{"id": 1, "name": "a"}]}')
    with pytest.raises(data.DataError, match="empty: no image of train has a box"):
        train(configure("run", "dataset.dataset_path", tmp_path / "empty", "dataset.dataset", "coco"))


def test_loss_that_is_not_finite_stops_and_saves_nothing(configure, tmp_path):
    with pytest.raises(trainer.TrainingError, match="at step .*TRAIN.lr"):
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
    training = trainer.EndToEndTrainer(cfg, [mx.cpu()], LOGGER)
    parameters = training.net.collect_params()
    before = {name: p.data().asnumpy().copy() for name, p in parameters.items()}
    training.run()
    for name, parameter in parameters.items():
        if "moving" not in name:
            fixed = any(word in name for word in words)
            assert (parameter.data().asnumpy() == before[name]).all() == fixed, name
            assert (parameter.grad_req == "null") == fixed, name


@pytest.mark.parametrize("method, expected", [
    ("constant", [0.02, 0.02, 0.02, 0.02, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.02]),
    ("linear", [0.02 + 0.18 * i / 5 for i in range(1, 5)] + [0.2] * 6 + [0.02])])
def test_learning_rates(configure, method, expected):
    cfg = configure("run", "TRAIN.lr", 0.1, "TRAIN.lr_step", "2.5,7", "TRAIN.warmup", True, "TRAIN.warmup_lr", 0.01,
                    "TRAIN.warmup_step", 5, "TRAIN.warmup_method", method)
    schedule = trainer.learning_rates(cfg, images=2, steps_per_epoch=4)
    assert [schedule(step) for step in range(1, 12)] == pytest.approx(expected)


@pytest.mark.parametrize("steps, expected", [("", [1, 1, 1]), ("0.5,0.6", [1, 1, 0.01]), ("1", [1, 1, 1])])
def test_learning_rates_of_short_runs(configure, steps, expected):
    cfg = configure("run", "TRAIN.lr", 1.0, "TRAIN.lr_step", steps)
    schedule = trainer.learning_rates(cfg, images=1, steps_per_epoch=4)
    assert [schedule(step) for step in range(1, 4)] == pytest.approx(expected)


def test_new_layers_and_decay(configure):
    cfg = configure("run", "TRAIN.LIGHT_HEAD_LR_MULT", 5.0)
    net = build.build_net(cfg, ("a",))
    build.initialize(cfg, net, [mx.cpu()])
    trainer.gluon_trainer(cfg, net)
    assert net.head.cls_score.weight.data().asnumpy().std() == pytest.approx(0.01, rel=0.1)
    for name, parameter in net.collect_params().items():
        if parameter.grad_req != "null":
            assert parameter.lr_mult == (5 if name.startswith("conv_new") else 1), name
            assert parameter.wd_mult == (name.endswith(("weight", "gamma"))), name


@pytest.mark.parametrize("model", ["light_head_rcnn_xception_coco", "light_head_rcnn_fpn_resnet50_v1_coco"])
def test_pretrained_backbone(configure, tmp_path, monkeypatch, model):
    monkeypatch.setitem(resnet.DEPTHS, 50, ((1, 1, 1, 1), ()))
    cfg = configure("run", "network.model", model)
    net = build.build_net(cfg, ("a",))
    build.initialize(cfg, net, [mx.cpu()])
    arrays = {"arg:" + name: p.data() + 1 for name, p in net.backbone.collect_params().items()}
    arrays["arg:fc1000_weight"] = mx.nd.zeros((3, 3))
    mx.nd.save(str(tmp_path / "backbone-0000.params"), arrays)
    cfg = configure("run", "network.model", model, "network.pretrained", str(tmp_path / "backbone"))
    net = build.build_net(cfg, ("a",))
    build.initialize(cfg, net, [mx.cpu()])
    for name, parameter in net.backbone.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), arrays["arg:" + name].asnumpy())
    del arrays["arg:conv1_weight"]
    mx.nd.save(str(tmp_path / "backbone-0000.params"), arrays)
    with pytest.raises(build.CheckpointError, match="missing in the file: conv1_weight"):
        build.initialize(cfg, build.build_net(cfg, ("a",)), [mx.cpu()])
    with pytest.raises(build.CheckpointError, match="network.pretrained: there is no file .*backbone-0007.params"):
        cfg = configure("run", "network.model", model, "network.pretrained", str(tmp_path / "backbone"),
                        "network.pretrained_epoch", 7)
        build.initialize(cfg, build.build_net(cfg, ("a",)), [mx.cpu()])


def test_script_trains_tests_and_refuses(configure, shapes, renamed, tmp_path, capsys):
    command = ["--cfg", str(tmp_path / "cfg.yaml"), "--cpu", "dataset.dataset_path", shapes,
               "output_path", str(tmp_path / "run"), "TRAIN.end_epoch", "2", "TRAIN.TEST_EVERY", "1"]
    assert train_end2end.main(command + ["dataset.dataset_path", renamed]) == 2
    assert "the sets have different classes" in capsys.readouterr().err
    assert train_end2end.main(command) == 0
    made = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"light_head_rcnn-0001.params", "light_head_rcnn-0002.json", "losses.jsonl", "losses.png", "train.log",
            "test", "test-epoch-0001"} <= made
    assert train_end2end.main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert train_end2end.main(command + ["--resume"]) == 0
