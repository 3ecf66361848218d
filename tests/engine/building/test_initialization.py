"""The backbone of a pretrained file, with every parameter that it lacks."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.building.initialization import initialize
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models.backbones import resnet


@pytest.fixture
def configure(configuring, tmp_path):
    return configuring(tmp_path, "")


@pytest.mark.parametrize("model", ["light_head_rcnn_xception_coco", "light_head_rcnn_fpn_resnet50_v1_coco"])
def test_pretrained_backbone(configure, tmp_path, monkeypatch, model):
    monkeypatch.setitem(resnet.DEPTHS, 50, ((1, 1, 1, 1), ()))
    cfg = configure("run", "network.model", model)
    net = build_net(cfg, ("a",))
    initialize(cfg, net, [mx.cpu()])
    arrays = {"arg:" + name: p.data() + 1 for name, p in net.backbone.collect_params().items()}
    arrays["arg:fc1000_weight"] = mx.nd.zeros((3, 3))
    mx.nd.save(str(tmp_path / "backbone-0000.params"), arrays)
    cfg = configure("run", "network.model", model, "network.pretrained", str(tmp_path / "backbone"))
    net = build_net(cfg, ("a",))
    initialize(cfg, net, [mx.cpu()])
    for name, parameter in net.backbone.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), arrays["arg:" + name].asnumpy())
    del arrays["arg:conv1_weight"]
    mx.nd.save(str(tmp_path / "backbone-0000.params"), arrays)
    with pytest.raises(CheckpointError, match="missing in the file: conv1_weight"):
        initialize(cfg, build_net(cfg, ("a",)), [mx.cpu()])
    with pytest.raises(CheckpointError, match="network.pretrained: there is no file .*backbone-0007.params"):
        cfg = configure("run", "network.model", model, "network.pretrained", str(tmp_path / "backbone"),
                        "network.pretrained_epoch", 7)
        initialize(cfg, build_net(cfg, ("a",)), [mx.cpu()])
