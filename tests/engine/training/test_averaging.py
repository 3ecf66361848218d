"""The moving average of weights against its recomputation in NumPy, in float64."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.engine.checkpoints.parameters import own_parameters
from light_head_rcnn.engine.training import averaging
from light_head_rcnn.engine.training.averaging import WeightAverage


@pytest.fixture
def make_net():
    """Function of devices to a network with a norm and a layer that is not trained, and its optimizer."""
    def make(contexts):
        net = gluon.nn.HybridSequential(prefix="")
        with net.name_scope():
            net.add(gluon.nn.Dense(4, in_units=3, prefix="fc1_"), gluon.nn.BatchNorm(in_channels=4, prefix="bn_"),
                    gluon.nn.Dense(2, in_units=4, prefix="fc2_"))
        net.initialize(mx.init.Normal(1), ctx=contexts)
        net[2].bias.grad_req = "null"
        return net, gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1}, update_on_kvstore=False)

    return make


def train_step(net, trainer, contexts):
    with autograd.record():
        sums = [(net(mx.nd.random.normal(shape=(6, 3), ctx=context)) ** 2).sum() for context in contexts]
    autograd.backward(sums)
    trainer.step(6)


def present(net):
    """The parameters in float64, by name: the mean over the devices."""
    return {name: np.mean([array.asnumpy().astype(np.float64) for array in parameter.list_data()], axis=0)
            for name, parameter in own_parameters(net).items()}


@pytest.mark.parametrize("contexts", [[mx.cpu()], [mx.cpu(0), mx.cpu(1)]])
@pytest.mark.parametrize("decay", [0.999, 0.2])
@pytest.mark.parametrize("small, group", [(4096, 45), (4096, 3), (4, 45), (0, 45)])
def test_the_average_is_that_of_the_formula(make_net, monkeypatch, contexts, decay, small, group):
    monkeypatch.setattr(averaging, "_SMALL", small)
    monkeypatch.setattr(averaging, "_GROUP", group)
    net, trainer = make_net(contexts)
    average, expected = WeightAverage(own_parameters(net), decay), present(net)
    for t in range(12):
        train_step(net, trainer, contexts)
        average.update()
        d = min(decay, (1 + t) / (10 + t))
        expected = {name: d * expected[name] + (1 - d) * value for name, value in present(net).items()}
    assert average.updates == 12
    arrays = average.arrays()
    assert set(arrays) == set(expected) - {"fc2_bias"}
    for name, array in arrays.items():
        np.testing.assert_allclose(array.asnumpy(), expected[name], rtol=1e-5, atol=1e-6, err_msg=name)
        if name.endswith(("weight", "mean", "var")):
            assert not np.allclose(array.asnumpy(), present(net)[name], rtol=1e-3), name
    for name, array in average.weights().items():
        np.testing.assert_array_equal(array.asnumpy(), present(net)[name].astype(np.float32), err_msg=name)


def test_statistics_that_stay_have_no_average(make_net):
    average = WeightAverage(own_parameters(make_net([mx.cpu()])[0]), 0.9, with_statistics=False)
    assert sorted(average.names) == ["bn_beta", "bn_gamma", "fc1_bias", "fc1_weight", "fc2_weight"]


def test_the_average_does_not_touch_the_weights(make_net):
    runs = []
    for averaged in (False, True):
        mx.random.seed(3)
        net, trainer = make_net([mx.cpu()])
        average = WeightAverage(own_parameters(net), 0.9) if averaged else None
        for _ in range(4):
            train_step(net, trainer, [mx.cpu()])
            if average is not None:
                average.update()
        runs.append(present(net))
    for name, value in runs[0].items():
        np.testing.assert_array_equal(value, runs[1][name], err_msg=name)


def test_a_restored_average_goes_on_with_its_count(make_net):
    net, trainer = make_net([mx.cpu()])
    whole = WeightAverage(own_parameters(net), 0.9)
    for _ in range(3):
        train_step(net, trainer, [mx.cpu()])
        whole.update()
    weights, averages = whole.weights(), whole.arrays()
    for name, array in averages.items():
        own_parameters(net)[name].set_data(array)
    restored = WeightAverage(own_parameters(net), 0.9)
    restored.begin(3)
    for name, array in weights.items():
        own_parameters(net)[name].set_data(array)
    for average in (whole, restored):
        average.update()
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array.asnumpy(), restored.arrays()[name].asnumpy(), err_msg=name)
