"""A convolution and its frozen normalisation, computed as one convolution, against MXNet's two operators in float64."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.gluon_models.layers import ConvBN, relu6

TRAINED = ("conv_weight", "bn_gamma", "bn_beta")


@pytest.fixture
def filled():
    """Function that gives a block random values in float64 and returns its parameters."""
    def fill(block):
        rng = np.random.RandomState(0)
        block.initialize()
        block.cast("float64")
        for name, parameter in block.collect_params().items():
            values = rng.normal(size=parameter.shape)
            parameter.set_data(mx.nd.array(np.abs(values) + 0.3 if name.endswith("var") else values, dtype="float64"))
        return block.collect_params()

    return fill


def two_operators(parameters, x, activation, crops, eps, **shape):
    """MXNet's convolution and, with the statistics that it is given, its normalisation."""
    values = {name: parameter.data() for name, parameter in parameters.items()}
    x = mx.nd.Convolution(x, values["conv_weight"], no_bias=True, num_filter=16, **shape)
    x = mx.nd.BatchNorm(x[:, :, 1:, 1:] if crops else x, *(values[f"bn_{end}"] for end in
                        ("gamma", "beta", "moving_mean", "moving_var")), eps=eps, fix_gamma=False,
                        use_global_stats=True)
    return x if activation is None else x.clip(0, 6)


def results(function, parameters, x):
    """The output of a function and all gradients."""
    x.attach_grad()
    with mx.autograd.record():
        out = function(x)
    out.backward(mx.nd.array(np.random.RandomState(1).normal(size=out.shape), dtype="float64"))
    return [array.asnumpy() for array in (out, x.grad, *(parameters[name].grad() for name in TRAINED))]


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("options, shape", [
    (dict(padding=1), dict(kernel=(3, 3), pad=(1, 1))),
    (dict(stride=2, same=True), dict(kernel=(3, 3), stride=(2, 2), pad=(2, 2))),
    (dict(groups=8, padding=2, dilation=2, eps=1e-3), dict(kernel=(3, 3), pad=(2, 2), dilate=(2, 2), num_group=8)),
    (dict(activation=None), dict(kernel=(3, 3)))])
def test_a_frozen_normalisation_is_part_of_the_convolution(filled, options, shape, hybridize):
    block = ConvBN(8, 16, 3, "conv", "bn", True, **{"activation": relu6, **options})
    parameters = filled(block)
    statistics = [parameters[f"bn_moving_{what}"].data().asnumpy() for what in ("mean", "var")]
    x = mx.nd.array(np.random.RandomState(2).normal(size=(2, 8, 11, 12)), dtype="float64")
    expected = results(lambda x: two_operators(parameters, x, options.get("activation", relu6), "same" in options,
                                               options.get("eps", 1e-5), **shape), parameters, x)
    if hybridize:
        block.hybridize()
    for found, values in zip(results(block, parameters, x), expected):
        np.testing.assert_allclose(found, values, rtol=0, atol=1e-12 * np.abs(values).max())
    for what, before in zip(("mean", "var"), statistics):
        np.testing.assert_array_equal(parameters[f"bn_moving_{what}"].data().asnumpy(), before)
    assert "BatchNorm" not in block(mx.sym.var("data")).tojson()


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("kernel, options", [(5, dict(padding=2)), (3, dict(stride=2, same=True)),
                                             (5, dict(stride=2, same=True)), (7, dict(padding=3))])
@pytest.mark.parametrize("height, width", [(12, 15), (13, 10)])
def test_columns_of_a_depthwise_kernel_apart(filled, kernel, options, height, width, frozen):
    """In training the kernel is cut into columns; at test it is whole. Both compute the same."""
    block = ConvBN(16, 16, kernel, "conv", "bn", frozen, groups=16, activation=None, **options)
    parameters = filled(block)
    x = mx.nd.array(np.random.RandomState(2).normal(size=(2, 16, height, width)), dtype="float64")
    found_both = []
    for is_cut in (False, True):
        block._has_slow_gradient = is_cut
        found_both.append(results(block, parameters, x))
    for found, values in zip(*found_both):
        np.testing.assert_allclose(found, values, rtol=0, atol=1e-12 * max(np.abs(values).max(), 1))
    assert ConvBN(16, 16, kernel, "conv", "bn", frozen, groups=16, **options)._has_slow_gradient
    block.hybridize()
    block(x)
    assert "Pad" not in block._cached_graph[1].tojson()


def test_the_gradients_that_are_fast_anyway():
    for options in (dict(padding=1, groups=16), dict(padding=1), dict(stride=2, same=True),
                    dict(padding=2, dilation=2, groups=16)):
        assert not ConvBN(16, 16, 3, "conv", "bn", True, **options)._has_slow_gradient


@pytest.mark.parametrize("options", [dict(frozen=False), dict(frozen=True, activation_first=True)])
def test_other_normalisations_stay_operators_of_their_own(options):
    assert "BatchNorm" in ConvBN(8, 16, 3, "conv", "bn", **options)(mx.sym.var("data")).tojson()


def test_parameters_are_those_of_the_two_layers():
    block = ConvBN(8, 16, 3, "conv", "bn", True)
    names = ["weight", "gamma", "beta", "moving_mean", "moving_var"]
    assert [name.partition("_")[2] for name in block.collect_params()] == names
    assert list(block._collect_params_with_prefix()) == ["conv.weight"] + [f"bn.{name}" for name in names[1:]]
