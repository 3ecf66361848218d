"""Names of a ResNet-50 in the frameworks, written out here once more, and arrays for them with few channels."""
import numpy as np
import pytest

UNITS = (3, 4, 6, 3)
BRANCHES = {"downsample": "branch1", "conv1": "branch2a", "conv2": "branch2b", "conv3": "branch2c"}


class Layer:
    """A convolution of ResNet-50 and its normalisation, with random values: `weight` is (out, in, kernel, kernel)."""

    def __init__(self, rng, stage, unit, branch, shape):
        self.stage, self.unit, self.branch = stage, unit, branch
        self.weight = rng.normal(size=shape).astype("float32")
        self.gamma, self.beta, self.mean, self.var = rng.normal(size=(4, shape[0])).astype("float32")

    @property
    def caffe(self):
        """Caffe's names of the convolution and of the normalisation."""
        if self.stage == 0:
            return "conv1", "bn_conv1"
        place = f"{self.stage + 1}{'abcdef'[self.unit]}_{BRANCHES[self.branch]}"
        return "res" + place, "bn" + place


@pytest.fixture(scope="session")
def resnet50():
    """All layers of ResNet-50; convolutions have two input channels and three output channels."""
    rng = np.random.RandomState(0)
    layers = [Layer(rng, 0, 0, "conv1", (3, 2, 7, 7))]
    for stage, count in enumerate(UNITS, 1):
        for unit in range(count):
            for branch in BRANCHES if unit == 0 else list(BRANCHES)[1:]:
                side = 3 if branch == "conv2" else 1
                layers.append(Layer(rng, stage, unit, branch, (3, 2, side, side)))
    return layers


@pytest.fixture(scope="session")
def check_caffe():
    """Function that checks that arrays have the values of ResNet-50's layers under Caffe's names."""
    def check(arrays, layers):
        for layer in layers:
            conv, norm = layer.caffe
            expected = {f"{conv}_weight": layer.weight, f"{norm}_gamma": layer.gamma, f"{norm}_beta": layer.beta,
                        f"{norm}_moving_mean": layer.mean, f"{norm}_moving_var": layer.var}
            for name, array in expected.items():
                np.testing.assert_array_equal(arrays[name], array, err_msg=name)

    return check
