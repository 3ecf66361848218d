"""Values of the backbones: those of the networks as `numpy_networks` computes them, on random weights."""
import mxnet as mx
import numpy as np
import pytest

# The sides of the images. EfficientNet-Lite is defined for sides that stay even.
SIZES = {"efficientnet_lite0": (96, 64)}
NAMES = ["vovnet27_slim", "vovnet39", "vovnetv2_19", "vovnetv2_19_slim", "vovnetv2_19_dw", "vovnetv2_19_slim_dw",
         "vovnetv2_39", "vovnet57", "vovnetv2_57", "res2net50", "res2netplus50", "efficientnet_lite0", "densenet121",
         "resnet50_v1b", "resnet50_v1c", "resnext50_32x4d"]
LARGE = ["vovnetv2_99", "res2net101", "densenet169", "resnet101_v1b", "resnext101_32x4d"]


@pytest.fixture(scope="module")
def reference(module_at):
    return module_at("gluon_models/backbones/numpy_networks.py")


def network(reference, name):
    """The function of `numpy_networks` whose family the backbone belongs to."""
    if name.startswith("res2netplus"):
        return lambda *inputs: reference.res2net(*inputs, plus=True)
    families = (("vovnet", reference.vovnet), ("res2net", reference.res2net), ("densenet", reference.densenet),
                ("efficientnet", reference.efficientnet_lite0), ("res", reference.resnet))
    return next(function for start, function in families if name.startswith(start))


def assert_close(found, expected):
    """To 1e-4 of the largest value: deep networks with random weights have values far from 1."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", NAMES + [pytest.param(name, marks=pytest.mark.slow) for name in LARGE])
def test_values_are_those_of_the_network_in_numpy(build_backbone, randomize, give_values, reference, name):
    x = np.random.RandomState(1).normal(size=(2, 3, *SIZES.get(name, (75, 62)))).astype("float32")
    classifier = build_backbone(name, classes=7)
    arrays = randomize(classifier)
    state = reference.State(arrays)
    expected = network(reference, name)(state, x)
    assert state.asked == set(arrays)
    assert_close(classifier(mx.nd.array(x)).asnumpy(), expected["logits"])
    levels = build_backbone(name, outputs="pyramid")
    give_values(levels, arrays)
    stages = [stage.name for stage in levels.stages]
    maps = [part for part in stages if part in expected]
    for level, found in enumerate(levels(mx.nd.array(x)), 2):
        names = [part for part in maps if levels.stages[stages.index(part)].level == level]
        assert_close(found.asnumpy(), expected[names[-1]])


@pytest.mark.parametrize("name", ["resnet50_v1d", "resnet101_v1d"])
def test_values_of_v1d(build_backbone, randomize, reference, name):
    """Its average pooling rounds up, and averages what there is; here all sides stay even."""
    x = np.random.RandomState(1).normal(size=(1, 3, 64, 96)).astype("float32")
    net = build_backbone(name, classes=7)
    arrays = randomize(net)
    assert_close(net(mx.nd.array(x)).asnumpy(), reference.resnet(reference.State(arrays), x)["logits"])
