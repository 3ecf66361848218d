"""Fully connected layers of low rank, against numpy.linalg.svd."""
import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn
from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models import FastRCNN
from light_head_rcnn.gluon_models.backbones import Xception
from light_head_rcnn.gluon_models.heads import FastRCNNHead, LightHead, TwoFCHead
from light_head_rcnn.gluon_models.low_rank import SingularValues, dense_layers, split_dense_layers

WEIGHT = np.random.RandomState(0).normal(0, 1, (12, 20)).astype(np.float32)


@pytest.mark.parametrize("rank", [1, 5, 12])
def test_the_product_is_the_best_of_its_rank(rank):
    parts = SingularValues.of(WEIGHT).split(rank)
    assert parts["L_weight"].shape == (rank, 20) and parts["U_weight"].shape == (12, rank)
    u, s, vt = np.linalg.svd(WEIGHT)
    expected = (u[:, :rank] * s[:rank]) @ vt[:rank]
    np.testing.assert_allclose(parts["U_weight"] @ parts["L_weight"], expected, atol=1e-5)
    # The largest singular value that is left out is the distance in the spectral norm (Eckart and Young).
    distance = np.linalg.norm(WEIGHT - parts["U_weight"] @ parts["L_weight"], 2)
    np.testing.assert_allclose(distance, s[rank] if rank < 12 else 0, atol=1e-5)


@pytest.mark.parametrize("energy", [1e-9, 0.3, 0.9, 0.99, 1.0])
def test_ranks_by_energy(energy):
    squares = np.linalg.svd(WEIGHT, compute_uv=False).astype(float) ** 2
    expected = next(rank for rank in range(1, 13) if squares[:rank].sum() >= energy * squares.sum() - 1e-6)
    assert SingularValues.of(WEIGHT).rank_of_energy(energy) == expected
    assert SingularValues.of(WEIGHT * 0).rank_of_energy(energy) >= 1
    low = np.outer(WEIGHT[:, 0], WEIGHT[0])
    assert SingularValues.of(low).rank_of_energy(min(energy, 0.999)) == 1


@pytest.mark.parametrize("head, names", [(FastRCNNHead(4, False, 18, (12, 8), 0.5), ["fc6", "fc7"]),
                                         (LightHead(4, True, 18, 12), ["fc_new_1"]),
                                         (TwoFCHead(4, True, 18, 12), ["fc_new_1", "fc_new_2"])])
def test_a_head_whose_layers_are_split_at_full_rank_answers_the_same(head, names):
    head.initialize(mx.init.Normal(0.3))
    for layer in head.hidden_layers:
        layer.bias.set_data(mx.nd.random.normal(shape=layer.bias.shape))
    x = mx.nd.random.normal(shape=(6, 18))
    before = [output.asnumpy() for output in head(x)]
    head.hybridize()
    head(x)
    assert list(dense_layers(head)) == names
    weights = {name: (layer.weight.data(), layer.bias.data()) for name, layer in dense_layers(head).items()}
    split_dense_layers(head, {name: min(weight.shape) for name, (weight, _) in weights.items()})
    assert dense_layers(head) == {}
    for name, (weight, bias) in weights.items():
        layer = getattr(head, name)
        assert set(layer.collect_params()) == {f"{name}_L_weight", f"{name}_U_weight", f"{name}_U_bias"}
        layer.initialize()
        parts = SingularValues.of(weight.asnumpy()).split(min(weight.shape))
        layer.first.weight.set_data(mx.nd.array(parts["L_weight"]))
        layer.second.weight.set_data(mx.nd.array(parts["U_weight"]))
        layer.second.bias.set_data(bias)
    assert head.hidden_layers == tuple(getattr(head, name) for name in names)
    for one, other in zip(before, head(x)):
        np.testing.assert_allclose(one, other.asnumpy(), atol=1e-5)


def test_parameters_by_name():
    net = FastRCNN(Xception(), ("a",), hidden=(32, 16), pool_levels=(1,))
    split_dense_layers(net.head, {"fc7": 3})
    shapes = {name: p.shape for name, p in net.head.collect_params().items() if name.startswith("fc")}
    assert shapes == {"fc6_weight": (32, 576), "fc6_bias": (32,), "fc7_L_weight": (3, 32), "fc7_U_weight": (16, 3),
                      "fc7_U_bias": (16,)}


@pytest.mark.parametrize("ranks, fault", [
    ({"fc8": 3}, "no hidden layer fc8 .* it has fc6, fc7"), ({"cls_score": 2}, "no hidden layer cls_score"),
    ({"fc6": 13}, "the rank of fc6 is 13; it must be from 1 to 12, the full rank of its weights 12 x 18"),
    ({"fc7": 0}, "the rank of fc7 is 0")])
def test_wrong_names_and_ranks(ranks, fault):
    with pytest.raises(ModelError, match=fault):
        split_dense_layers(FastRCNNHead(4, False, 18, (12, 8), 0.5), ranks)


def test_a_head_without_such_layers():
    with pytest.raises(ModelError, match="it has none"):
        split_dense_layers(light_head_rcnn.get_model("rfcn_xception_coco").head, {"fc6": 3})
