"""Which checkpoint is loaded, with which configuration, and what contradicts its weights."""
import logging

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.checkpoint_files import BEST, Content, write_checkpoint
from light_head_rcnn.engine.checkpoints.parameters import parameter_arrays
from light_head_rcnn.engine.config import saved_config, with_values
from light_head_rcnn.engine.inference.loading import find_checkpoint, load_network
from light_head_rcnn.errors import CheckpointError, ConfigError

LOGGER = logging.getLogger("test")
CPU = [mx.cpu()]


@pytest.fixture(scope="module")
def cfg(configuring, tmp_path_factory):
    configure = configuring(tmp_path_factory.mktemp("loading"), "network: {model: light_head_rcnn_xception_coco}\n")
    return configure("run", "TEST.NMS", 0.45)


@pytest.fixture(scope="module")
def prefix(cfg):
    """A run with checkpoints after epochs 1 and 2, told apart by the bias of the classes."""
    net = build_net(cfg, ("a", "b"))
    net.initialize()
    prefix = cfg.output_path + "/light_head_rcnn"
    for epoch in (1, 2):
        net.head.cls_score.bias.set_data(mx.nd.full(3, epoch))
        content = Content(parameter_arrays(net), {}, {}, net.classes)
        write_checkpoint(prefix, f"{epoch:04d}", content, epoch, 3 * epoch, {"config": saved_config(cfg)})
    return prefix


def epoch_of(trained):
    return trained.net.head.cls_score.bias.data().asnumpy()[0]


def test_the_last_checkpoint_is_taken_unless_one_is_named(cfg, prefix):
    assert epoch_of(load_network(cfg, CPU)) == 2
    assert epoch_of(load_network(cfg, CPU, epoch=1)) == 1
    assert epoch_of(load_network(with_values(cfg, {"TEST.test_epoch": 1}), CPU)) == 1
    for path in (prefix + "-0001", prefix + "-0001.params", prefix + "-0001.json"):
        assert epoch_of(load_network(cfg, CPU, path)) == 1
    trained = load_network(cfg, CPU)
    assert trained.path == prefix + "-0002.params" and trained.net.classes == ("a", "b")


def test_the_best_checkpoint_goes_before_the_last(cfg, prefix, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    own = with_values(cfg, {"output_path": str(tmp_path)})
    net = load_network(cfg, CPU, epoch=1).net
    content = Content(parameter_arrays(net), {}, {}, net.classes)
    copy = str(tmp_path / "light_head_rcnn")
    for tag, step in (("0002", 6), (BEST, 3)):
        test = {"test": {"AP": 0.25}} if tag == BEST else {}
        write_checkpoint(copy, tag, content, 1, step, {"config": saved_config(own), **test})
    assert load_network(own, CPU, epoch=2, logger=LOGGER).path == copy + "-0002.params"
    assert load_network(own, CPU, checkpoint=copy + "-0002", logger=LOGGER).path == copy + "-0002.params"
    assert "taking" not in caplog.text
    assert load_network(own, CPU, logger=LOGGER).path == copy + "-best.params"
    told = f"taking the best checkpoint, {copy}-best (epoch 1, AP 0.2500); the last one is {copy}-0002 (epoch 1)"
    assert told in caplog.text
    caplog.clear()
    assert load_network(None, CPU, checkpoint=str(tmp_path), logger=LOGGER).path == copy + "-best.params"
    assert told in caplog.text
    assert find_checkpoint(str(tmp_path)) == copy + "-best"


def test_a_checkpoint_brings_its_configuration_along(cfg, prefix):
    trained = load_network(None, CPU, prefix + "-0001")
    assert saved_config(trained.cfg) == saved_config(cfg) and trained.cfg.TEST.NMS == 0.45
    changed = load_network(None, CPU, cfg.output_path, overrides=["TEST.NMS=0.6", "TEST.max_per_image", "7"])
    assert (changed.cfg.TEST.NMS, changed.cfg.TEST.max_per_image) == (0.6, 7) and epoch_of(changed) == 2
    x, im_info = mx.nd.random.normal(shape=(1, 3, 64, 64)), mx.nd.array([[64, 64, 1]])
    assert changed.net(x, im_info)[0].shape == (1, 7, 1)


@pytest.mark.parametrize("key, value", [
    ("network.LIGHT_HEAD_RELU", "after_sum"), ("network.PIXEL_STDS", (57.0, 57.0, 57.0)),
    ("network.PIXEL_MEANS", (1.0, 2.0, 3.0)), ("network.ROI_POOL", "psroi_align"), ("TRAIN.BBOX_STDS", (1.0,) * 4),
    ("network.ANCHOR_SCALES", (2, 4)), ("network.model", "light_head_rcnn_s_resnet50_v1_coco")])
def test_what_contradicts_the_weights_is_refused_by_name(cfg, prefix, key, value):
    with pytest.raises(CheckpointError) as caught:
        load_network(with_values(cfg, {key: value}), CPU)
    assert prefix in str(caught.value) and f"\n  {key}: " in str(caught.value)
    if key != "network.model":
        with pytest.raises(CheckpointError, match=key):
            load_network(None, CPU, prefix + "-0001", overrides={key: value})


@pytest.mark.parametrize("key, value", [("network.LIGHT_HEAD_RELU", "after_sum"), ("network.ROI_POOL", "psroi_align")])
def test_a_pretrained_detector_is_compared_too(cfg, prefix, tmp_path, key, value):
    own = with_values(cfg, {"output_path": str(tmp_path), "network.pretrained": prefix + "-0001.params"})
    assert epoch_of(load_network(own, CPU)) == 1
    with pytest.raises(CheckpointError, match=f"-0001.params were trained .*:\n  {key}: .*\nSet these back, or"):
        load_network(with_values(own, {key: value}), CPU)


def test_weights_that_are_no_numbers_are_refused(cfg, prefix, tmp_path):
    arrays = mx.nd.load(prefix + "-0001.params")
    arrays["arg:cls_score_bias"][:] = np.nan
    path = str(tmp_path / "x.params")
    mx.nd.save(path, arrays)
    own = with_values(cfg, {"output_path": str(tmp_path), "network.pretrained": path, "dataset.classes": ("a", "b")})
    for checkpoint in (path, None):
        with pytest.raises(CheckpointError, match="x.params: 1 of .* arrays hold NaN or infinity.*:\n  cls_score_bias"):
            load_network(own, CPU, checkpoint)


def test_what_differs_on_purpose_is_applied(cfg, prefix):
    other = with_values(cfg, {"TEST.NMS": 0.1, "SCALES": (32, 32), "dataset.dataset_path": "other", "TRAIN.lr": 1.0})
    assert load_network(other, CPU).cfg.TEST.NMS == 0.1


def test_errors_name_what_is_missing(cfg, prefix, tmp_path):
    with pytest.raises(CheckpointError, match="train first"):
        load_network(with_values(cfg, {"output_path": str(tmp_path)}), CPU)
    with pytest.raises(CheckpointError, match="no checkpoint .*light_head_rcnn-0007"):
        load_network(cfg, CPU, epoch=7)
    with pytest.raises(CheckpointError, match="no checkpoint in the folder"):
        load_network(None, CPU, str(tmp_path))
    with pytest.raises(CheckpointError, match="--cfg FILE.* or a checkpoint"):
        load_network(None, CPU)
    with pytest.raises(CheckpointError, match="trained for the classes a, b, not for a, c"):
        load_network(cfg, CPU, classes=("a", "c"))
    with pytest.raises(ConfigError, match="did you mean TEST.NMS"):
        load_network(None, CPU, prefix + "-0001", overrides=["TEST.NMSS=0.6"])


def test_a_parameter_file_alone_needs_configuration_and_classes(cfg, prefix, tmp_path):
    path = str(tmp_path / "other.params")
    mx.nd.save(path, mx.nd.load(prefix + "-0001.params"))
    with pytest.raises(CheckpointError, match="brings no configuration along: name one, --cfg FILE"):
        load_network(None, CPU, path)
    with pytest.raises(CheckpointError, match="does not say its classes"):
        load_network(cfg, CPU, path)
    trained = load_network(cfg, CPU, path, classes=("a", "b"))
    np.testing.assert_array_equal(trained.net.head.cls_score.bias.data().asnumpy(), [1, 1, 1])


def test_folders_of_several_trainings_need_a_name(cfg, prefix, tmp_path):
    content = Content(mx.nd.load(prefix + "-0001.params"), {}, {}, ("a", "b"))
    for name in ("one", "two"):
        write_checkpoint(str(tmp_path / name), "0001", content, 1, 3)
    with pytest.raises(CheckpointError, match="several trainings .*one.*two.*name one, such as .*one-0001"):
        find_checkpoint(str(tmp_path))
