"""The configurations: each builds; a row of the paper's tables writes what it changes and nothing else; rows run."""
import logging
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
import yaml
from mxnet import autograd
from mxnet.gluon import HybridBlock, nn

from light_head_rcnn import data
from light_head_rcnn.engine import config
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.building.initialization import fix_parameters, initialize
from light_head_rcnn.engine.building.loaders import build_train_loader
from light_head_rcnn.engine.building.network import build_losses, build_net
from light_head_rcnn.engine.evaluation.run import test_network as run_test
from light_head_rcnn.engine.symbolic import graphs
from light_head_rcnn.engine.training.schedule import build_optimizer
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.detector_losses import LOSSES

CFGS = Path(config.__file__).parents[2] / "experiments" / "cfgs"
FILES = sorted(CFGS.rglob("*.yaml"))
# What is laid over rows, scale_*.yaml, is none.
ROWS = [path for path in FILES
        if path.parent.name == "paper" and path.stem != "base" and not path.stem.startswith("scale_")]
# The rows that train as another one does: only their test differs.
TRAINED_AS = {"nms_50": "psroi_align", "soft_nms": "psroi_align", "multi_scale_test": "multi_scale_train",
              "multi_scale_flip_test": "multi_scale_train", "s_700": "s_800"}
BASE = "_BASE_"


def by_name(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def flat(tree, parents=()):
    """{"TRAIN.lr": value} of a configuration or of a file's entries."""
    values = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            values.update(flat(value, parents + (name,)))
        else:
            values[".".join(parents + (name,))] = value
    return values


@by_name(FILES)
def test_every_file_builds(path):
    cfg = config.load_config(path)
    if cfg.symbol:
        graphs.training_graph(cfg, 5)
        graphs.test_graph(cfg, 5)
    else:
        net = build_net(cfg, [f"c{i}" for i in range((cfg.dataset.NUM_CLASSES or 5) - 1)])
        build_losses(cfg, net)


@by_name(ROWS)
def test_a_row_writes_what_it_changes(path):
    entries = yaml.safe_load(path.read_text())
    parent = flat(config.load_config(path.parent / entries.pop(BASE)))
    row = flat(config.load_config(path))
    changed = {key for key in row if row[key] != parent[key]}
    assert changed - {"network.NUM_ANCHORS"} == set(flat(entries))
    assert row["output_path"] == "./output/paper/" + path.stem and row["TRAIN.model_prefix"] == path.stem
    assert path.read_text().startswith("# ")


def test_rows_that_train_alike():
    keys = {path.stem: repr(config.training_keys(config.load_config(path))) for path in ROWS}
    alike = {name: {other for other in keys if keys[other] == keys[name]} for name in keys}
    for name in keys:
        first = TRAINED_AS.get(name, name)
        assert alike[name] == {first} | {other for other, trained_as in TRAINED_AS.items() if trained_as == first}


def test_settings_are_rows():
    """The two settings that users begin with are the paper's best rows at one scale."""
    for name, row in (("coco_resnet101_l", "nms_50"), ("coco_xception_s", "s_800")):
        setting, row = (flat(config.load_config(CFGS / file)) for file in (name + ".yaml", f"paper/{row}.yaml"))
        assert {key for key in row if row[key] != setting[key]} == {"output_path", "TRAIN.model_prefix"}


class Tiny(HybridBlock):
    """Two maps of stride 16, by two convolutions, in the place of a ResNet."""

    out_channels = (8, 16)

    def __init__(self, frozen=True, stride_in_1x1=True, padded_pool=False):
        super().__init__(prefix="")
        with self.name_scope():
            self.conv1 = nn.Conv2D(8, 16, 16, in_channels=3, prefix="conv1_")
            self.res5 = nn.Conv2D(16, 3, padding=1, in_channels=8, prefix="res5_")

    @staticmethod
    def feature_size(size):
        return size // 16

    def hybrid_forward(self, F, x):
        x = self.conv1(x)
        return x, self.res5(x)


class TinyLevels(HybridBlock):
    """Four maps of strides 4 to 32."""

    out_channels = (4, 4, 4, 4)

    def __init__(self, frozen=True, stride_in_1x1=True, padded_pool=False):
        super().__init__(prefix="")
        with self.name_scope():
            self.conv1 = nn.Conv2D(4, 4, 4, in_channels=3, prefix="conv1_")

    @staticmethod
    def feature_size(size):
        return tuple(size // stride for stride in (4, 8, 16, 32))

    def hybrid_forward(self, F, x):
        x = self.conv1(x)
        return tuple(F.Pooling(x, kernel=(s, s), stride=(s, s), pool_type="avg") if s > 1 else x for s in (1, 2, 4, 8))


@pytest.fixture
def tiny_backbones(monkeypatch):
    """ResNets of the model zoo become tiny ones."""
    for table, tiny in ((registry.BACKBONES, Tiny), (registry.PYRAMID_BACKBONES, TinyLevels)):
        for name, entry in table.entries.items():
            if "resnet" in name:
                monkeypatch.setitem(table.entries, name, entry._replace(build=tiny))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    root = tmp_path_factory.mktemp("set") / "shapes"
    data.write_shapes(root, train=2, val=2)
    return str(root)


@by_name(ROWS)
def test_every_row_trains_a_step_and_tests(path, shapes, tiny_backbones, tmp_path):
    cfg = config.load_config(path)
    smaller = ["dataset.dataset", "shapes", "dataset.dataset_path", shapes, "dataset.image_set", "train",
               "dataset.test_image_set", "val", "dataset.NUM_CLASSES", 0, "network.pretrained", "", "SCALES", [64, 96],
               "network.ANCHOR_SCALES", [1, 2][:len(cfg.network.ANCHOR_SCALES)], "TRAIN.RPN_POST_NMS_TOP_N", 24,
               "TEST.RPN_POST_NMS_TOP_N", 12, "TRAIN.NUM_WORKERS", 0]
    if cfg.TRAIN.BATCH_ROIS > 0:
        smaller += ["TRAIN.BATCH_ROIS", 8]
    for key in ("TRAIN", "TEST"):
        if cfg[key].SCALES:
            smaller += [key + ".SCALES", [[32 * i, 192] for i in range(1, 1 + len(cfg[key].SCALES))]]
    cfg = config.load_config(path, smaller)
    dataset = build_dataset(cfg, "train")
    net = build_net(cfg, dataset.classes)
    initialize(cfg, net, [mx.cpu()])
    fixed = fix_parameters(net, cfg.network.FIXED_PARAMS)
    optimizer, block = build_optimizer(cfg, dict(net.collect_params().items())), build_losses(cfg, net)
    block.hybridize()
    learning = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
    assert fixed and not set(fixed) & set(learning)
    before = {name: p.data().asnumpy() for name, p in learning.items()}
    loader = build_train_loader(cfg, net.features.feature_size, dataset, 2, net.stride)
    for batch in loader.epoch(0):
        with autograd.record():
            losses = block(*map(mx.nd.array, batch))[:len(LOSSES)]
        autograd.backward(losses)
        optimizer.step(1)
    assert all(np.isfinite(loss.asscalar()) and loss.asscalar() > 0 for loss in losses)
    unchanged = [name for name, p in learning.items() if (p.data().asnumpy() == before[name]).all()]
    assert not unchanged
    net.hybridize()
    result = run_test(cfg, net, build_dataset(cfg, "val"), [mx.cpu()], tmp_path, logging.getLogger("test"))
    assert result.metrics and (tmp_path / "results.json").is_file()
