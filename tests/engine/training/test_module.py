"""The module that is bound anew for every size: same results as one bound for that size alone, bounds, optimizer."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.engine.training import module as modules

LARGEST = (12, 16)


def graph(norm=True):
    out = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=3, kernel=(3, 3), pad=(1, 1), name="conv", lr_mult=3.0)
    if norm:
        out = mx.sym.BatchNorm(out, fix_gamma=False, name="bn")
    out = mx.sym.Pooling(mx.sym.relu(out), global_pool=True, pool_type="avg", kernel=(1, 1), name="pool")
    out = mx.sym.FullyConnected(out, num_hidden=1, name="fc")
    return mx.sym.MakeLoss(mx.sym.square(out - mx.sym.Variable("label")), name="loss")


def build(contexts=None, fixed=(), optimizer="sgd", largest=LARGEST, norm=True, weights=None, states=None, **options):
    """A module of two images a batch, begun with the parameters and optimizer's states that are given."""
    module = modules.RebindingModule(graph(norm), ("data",), ("label",), contexts or [mx.cpu()], fixed,
                                     [("data", (2, 3, *largest))], [("label", (2, 1))])
    mx.random.seed(0)
    module.init_params(mx.init.Normal(0.5), *(weights or ()))
    module.init_optimizer("local", optimizer, dict(learning_rate=0.1, **options))
    if states:
        module.restore_optimizer(*states)
    return module


def batch(height, width, seed=0):
    rng = np.random.RandomState(seed)
    data, label = mx.nd.array(rng.randn(2, 3, height, width)), mx.nd.array(rng.randn(2, 1))
    return mx.io.DataBatch([data], [label], provide_data=[mx.io.DataDesc("data", data.shape)],
                           provide_label=[mx.io.DataDesc("label", label.shape)])


def step(module, of):
    module.forward(of)
    module.backward()
    module.update()
    return module.get_outputs()[0].asnumpy()


def arrays(module):
    return {name: array.asnumpy().copy() for found in module.get_params() for name, array in found.items()}


def copies(module):
    """What another module begins with to go on as this one would."""
    return [{name: array.copy() for name, array in found.items()} for found in module.get_params()]


def test_sizes_change_as_if_each_had_a_module_of_its_own():
    module, weights, states = build(momentum=0.9), None, None
    for seed, size in enumerate([(12, 16), (8, 8), (16, 12), (12, 16), (4, 16)]):
        alone = build(momentum=0.9, largest=size, weights=weights, states=states)
        np.testing.assert_allclose(step(module, batch(*size, seed)), step(alone, batch(*size, seed)), rtol=1e-4)
        weights, states = copies(alone), alone.optimizer_states()
    for name, array in arrays(alone).items():
        np.testing.assert_allclose(arrays(module)[name], array, rtol=1e-3, atol=1e-5)


def test_only_the_sizes_last_used_stay_bound(monkeypatch):
    monkeypatch.setattr(modules, "KEPT_SIZES", 2)
    module = build()
    for width in (4, 5, 6, 4, 7):
        step(module, batch(4, width))
    assert [key[0][3] for key in module._buckets] == [LARGEST[1], 4, 7]


@pytest.mark.parametrize("size", [(12, 17), (17, 12), (13, 13), (200, 1)])
def test_larger_images_are_refused(size):
    module = build()
    with pytest.raises(modules.ImageTooLarge, match="%d x %d pixels .* larger than the 12 x 16 .* raise SCALES" % size):
        module.forward(batch(*size))


@pytest.mark.parametrize("optimizer, options", [("sgd", {"momentum": 0.9}), ("sgd", {}), ("adam", {})])
@pytest.mark.parametrize("devices", [1, 2])
def test_optimizer_is_restored(optimizer, options, devices):
    contexts = [mx.cpu(i) for i in range(devices)]
    module = build(contexts, optimizer=optimizer, **options)
    for seed in range(2):
        step(module, batch(8, 8, seed))
    states, counts = module.optimizer_states()
    assert set(counts.values()) == {2} and "conv_weight" in counts
    assert len(states) == {"adam": 12, "sgd": 6 if options else 0}[optimizer]
    again = build(contexts, optimizer=optimizer, weights=copies(module), states=(states, counts), **options)
    np.testing.assert_array_equal(step(again, batch(8, 8, 5)), step(module, batch(8, 8, 5)))
    for name, array in arrays(module).items():
        if "moving" not in name or devices == 1:
            np.testing.assert_array_equal(arrays(again)[name], array)


def test_states_that_do_not_fit_are_listed():
    module = build(momentum=0.9, fixed=["fc_bias"])
    step(module, batch(8, 8))
    states, counts = module.optimizer_states()
    assert "fc_bias" not in states
    states.update(gone=mx.nd.zeros(1), fc_bias=mx.nd.zeros(1), fc_weight=mx.nd.zeros((7, 7)))
    with pytest.raises(CheckpointError) as caught:
        module.restore_optimizer(states, counts, "x.states")
    for part in ("x.states", "not trained here: gone", "not trained here: fc_bias", "fc_weight is (7, 7)"):
        assert part in str(caught.value)


def test_fixed_parameters_and_factors_of_the_learning_rate():
    module = build(fixed=["fc_weight"], wd=0.0)
    before = arrays(module)
    module.forward(batch(8, 8))
    module.backward()
    group = module._curr_module._exec_group
    gradients = {name: found[0].asnumpy().copy() for name, found in zip(group.param_names, group.grad_arrays)
                 if found[0] is not None}
    module.set_learning_rate(0.01)
    module.update()
    after = arrays(module)
    assert set(gradients) == {"conv_weight", "conv_bias", "bn_gamma", "bn_beta", "fc_bias"}
    np.testing.assert_array_equal(after["fc_weight"], before["fc_weight"])
    for name, gradient in gradients.items():
        rate = 0.03 if name.startswith("conv") else 0.01
        np.testing.assert_allclose(after[name], before[name] - rate * gradient, rtol=1e-4, atol=1e-6)


def test_gradient_is_the_mean_over_devices():
    """The loss is a sum over a device's images: two devices with one each halve it."""
    before = arrays(build(norm=False))
    one, two = build(norm=False), build([mx.cpu(0), mx.cpu(1)], norm=False)
    for module in (one, two):
        step(module, batch(8, 8))
    for name, array in arrays(one).items():
        np.testing.assert_allclose(arrays(two)[name] - before[name], (array - before[name]) / 2, rtol=1e-3, atol=1e-6)
