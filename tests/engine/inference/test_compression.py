"""Truncated SVD of trained heads: nothing changes at full rank, and what is written loads as any checkpoint."""
import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn as lh
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.config import load_config, with_values
from light_head_rcnn.engine.inference.changed_networks import write_network
from light_head_rcnn.engine.inference.compression import compress, count_parameters, time_head
from light_head_rcnn.engine.inference.loading import TrainedNetwork, load_network
from light_head_rcnn.errors import CheckpointError, UsageError

CPU = [mx.cpu()]
LIGHT = ("network.model", "light_head_rcnn_xception_coco", "network.HIDDEN_UNITS", "40",
         "TEST.RPN_POST_NMS_TOP_N", "20")


def trained(words, tmp_path):
    cfg = load_config(None, [*map(str, words), "output_path", str(tmp_path / "run"), "SCALES", "64,96"])
    net = build_net(cfg, ("a", "b", "c"))
    net.initialize(mx.init.Xavier())
    for layer in net.output_layers:
        layer.weight.set_data(mx.nd.random.normal(scale=0.3, shape=layer.weight.shape))
    for layer in net.head.hidden_layers:
        layer.bias.set_data(mx.nd.random.normal(shape=layer.bias.shape))
    net.hybridize()
    return TrainedNetwork(net, cfg, str(tmp_path / "run" / "x-0003.params"))


def answers(net):
    rng = np.random.RandomState(0)
    inputs = [rng.normal(0, 50, (1, 3, 64, 96)), [[64, 96, 1]]]
    if net.needs_proposals:
        inputs.append([[[4, 4, 60, 50], [20, 10, 90, 60], [-1] * 4]])
    return [array.asnumpy() for array in net.candidates(mx.nd, *map(mx.nd.array, inputs))]


@pytest.mark.parametrize("layers", [["fc6", "fc7"], ["fc_new_1"]])
def test_full_rank_changes_nothing(fast_rcnn_values, tmp_path, layers):
    one = trained(LIGHT if layers == ["fc_new_1"] else fast_rcnn_values, tmp_path)
    full = compress(one, CPU, energy=1.0)
    assert list(full.ranks) == layers
    assert full.ranks == {name: min(getattr(one.net.head, name).weight.shape) for name in layers}
    for before, after in zip(answers(one.net), answers(full.net)):
        np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-3)


def test_a_low_rank_is_that_of_numpy(fast_rcnn_values, tmp_path):
    one = trained(fast_rcnn_values, tmp_path)
    small = compress(one, CPU, ranks={"fc6": 5})
    u, s, vt = np.linalg.svd(one.net.head.fc6.weight.data().asnumpy().astype(np.float64), full_matrices=False)
    layer = small.net.head.fc6
    product = layer.second.weight.data().asnumpy() @ layer.first.weight.data().asnumpy()
    np.testing.assert_allclose(product, (u[:, :5] * s[:5]) @ vt[:5], atol=1e-5)
    np.testing.assert_array_equal(layer.second.bias.data().asnumpy(), one.net.head.fc6.bias.data().asnumpy())
    assert small.cfg.network.HEAD_RANKS == "fc6=5" and one.cfg.network.HEAD_RANKS == ""
    units, inputs = one.net.head.fc6.weight.shape
    saved = units * inputs - 5 * (units + inputs)
    assert count_parameters(one.net.head) - count_parameters(small.net.head) == saved > 0
    assert time_head(small.net, 20, CPU[0]) > 0
    # The layers that are still whole can be split afterwards.
    again = compress(TrainedNetwork(small.net, small.cfg, "x"), CPU, ranks={"fc7": 3})
    assert again.cfg.network.HEAD_RANKS == "fc6=5,fc7=3"
    np.testing.assert_array_equal(again.net.head.fc6.first.weight.data().asnumpy(), layer.first.weight.data().asnumpy())


@pytest.mark.parametrize("words", ["fast", LIGHT])
def test_a_compressed_detector_loads_as_any_other(fast_rcnn_values, tmp_path, words):
    one = trained(fast_rcnn_values if words == "fast" else words, tmp_path)
    small = compress(one, CPU, energy=0.8)
    base = write_network(small.net, small.cfg, str(tmp_path / "small"))
    loaded = load_network(None, CPU, str(tmp_path / "small"))
    assert loaded.path == base + ".params" and loaded.cfg.network.HEAD_RANKS == small.cfg.network.HEAD_RANKS
    for before, after in zip(answers(small.net), answers(loaded.net)):
        np.testing.assert_array_equal(before, after)
    with pytest.raises(CheckpointError, match="network.HEAD_RANKS"):
        load_network(with_values(loaded.cfg, {"network.HEAD_RANKS": ""}), CPU, base)
    detector = lh.load_detector(tmp_path / "small")  # in fused form
    image = np.random.RandomState(0).randint(0, 255, (64, 96, 3)).astype(np.uint8)
    given = {"proposals": np.array([[4, 4, 60, 50], [20, 10, 90, 60]])} if words == "fast" else {}
    assert getattr(detector, "is_fused", False) and np.isfinite(detector(image, **given).boxes).all()


@pytest.mark.parametrize("how, fault", [
    ({"ranks": {"fc8": 4}}, "no hidden layer fc8 .* it has fc6, fc7"),
    ({"ranks": {"fc7": 25}}, "the rank of fc7 is 25; it must be from 1 to 24"), ({"energy": 0}, "the energy is 0"),
    ({"energy": 1.01}, "the energy is 1.01"), ({"energy": float("nan")}, "the energy is nan"),
    ({}, "either the ranks of layers or the energy"), ({"ranks": {"fc6": 2}, "energy": 0.5}, "either the ranks")])
def test_what_cannot_be(fast_rcnn_values, tmp_path, how, fault):
    with pytest.raises(UsageError, match=fault):
        compress(trained(fast_rcnn_values, tmp_path), CPU, **how)


def test_heads_and_graphs_without_such_layers(tmp_path):
    with pytest.raises(UsageError, match="no fully connected hidden layer"):
        compress(trained(("network.model", "rfcn_xception_coco"), tmp_path), CPU, energy=0.9)
    graph = TrainedNetwork(None, load_config("bccd_s_symbol"), "x.params")
    with pytest.raises(UsageError, match="symbolic graph, xception_rfcn_light"):
        compress(graph, CPU, energy=0.9)
