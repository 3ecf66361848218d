"""The operators that pool RoIs as operators of MXNet: gradients that are added, blocks, symbols, exports, errors."""
import functools
import json

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.operators import ps_roi_align, ps_roi_pool, roi_max_pool
from light_head_rcnn.operators.gradients import support_grad_add


def pool_first_channels(F, data, rois, output_dim, **options):
    """roi_max_pool of as many channels as the other operators answer, called like them."""
    return roi_max_pool(F, F.slice_axis(data, axis=1, begin=0, end=output_dim), rois, **options)


OPERATORS = pytest.mark.parametrize(
    "operator", [ps_roi_align, functools.partial(ps_roi_align, mode="max"), ps_roi_pool, pool_first_channels],
    ids=["align", "max", "pool", "max_pool"])


@OPERATORS
def test_gradient_that_is_added(operator):
    """MXNet does not tell operators of a library to add to a gradient; `support_grad_add` makes up for that."""
    data, rois = mx.nd.random.normal(shape=(1, 4, 6, 6)), mx.nd.array([[0, 1, 1, 4, 4]])

    def gradient(passes, grad_req):
        data.attach_grad(grad_req)
        for _ in range(passes):
            with autograd.record():
                output = operator(mx.nd, data, rois, output_dim=1, pooled_size=2, spatial_scale=1)
            output.backward()
        return data.grad.asnumpy()

    once = gradient(1, "write")
    np.testing.assert_allclose(gradient(3, "add"), 3 * once, rtol=1e-6)


def test_nothing_is_copied_where_no_gradient_is_recorded():
    data = mx.nd.ones((1, 4, 6, 6))
    assert support_grad_add(mx.nd, data) is data
    with autograd.record():
        assert support_grad_add(mx.nd, data) is not data


@OPERATORS
def test_many_consumers_of_one_map(operator):
    """MXNet adds the gradients of an array in place if more than eight operators use it."""
    rois = mx.nd.array([[0, 1, 1, 4, 4]])

    class Many(gluon.HybridBlock):
        def hybrid_forward(self, F, data, rois):
            return sum(operator(F, data, rois, output_dim=1, pooled_size=2, spatial_scale=1) for _ in range(12))

    def gradient(hybridize, **options):
        net = Many()
        if hybridize:
            net.hybridize(**options)
        data = mx.nd.arange(144).reshape((1, 4, 6, 6)) / 144
        data.attach_grad("add")
        for _ in range(2):
            with autograd.record():
                output = net(data * 1.0, rois) + net(data, rois)
            output.backward()
        return data.grad.asnumpy()

    plain = gradient(False)
    assert plain.sum() == pytest.approx(2 * 2 * 12 * 4)
    np.testing.assert_allclose(gradient(True), plain, rtol=1e-5)
    np.testing.assert_allclose(gradient(True, static_alloc=True, static_shape=True), plain, rtol=1e-5)


class Pool(gluon.HybridBlock):
    """A convolution and the operator on top of it."""

    def __init__(self, operator):
        super().__init__()
        self._operator = operator
        with self.name_scope():
            self.conv = gluon.nn.Conv2D(8, 3, padding=1)

    def hybrid_forward(self, F, x, rois):
        """Pools x (N, C, H, W) at rois (R, 5)."""
        return self._operator(F, self.conv(x), rois, output_dim=2, pooled_size=2, spatial_scale=1)


@OPERATORS
def test_in_hybrid_blocks_symbols_and_exports(operator, tmp_path):
    net, x = Pool(operator), mx.nd.random.normal(shape=(1, 3, 8, 8))
    rois = mx.nd.array([[0, 1, 1, 6, 6], [0, 0, 2, 5, 7]])
    net.initialize()
    expected = net(x, rois).asnumpy()
    with autograd.record():
        loss = (net(x, rois) ** 2).sum()
    loss.backward()
    weight_grad = net.conv.weight.grad().asnumpy()

    net.hybridize(static_alloc=True)
    np.testing.assert_array_equal(net(x, rois).asnumpy(), expected)
    with autograd.record():
        loss = (net(x, rois) ** 2).sum()
    loss.backward()
    np.testing.assert_allclose(net.conv.weight.grad().asnumpy(), weight_grad, rtol=1e-5)

    net.export(str(tmp_path / "net"))
    loaded = gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), ["data0", "data1"],
                                       str(tmp_path / "net-0000.params"))
    np.testing.assert_array_equal(loaded(x, rois).asnumpy(), expected)
    nodes = json.loads((tmp_path / "net-symbol.json").read_text())["nodes"]
    attributes = [node["attrs"] for node in nodes if node["op"] in ("ps_roi_align", "ps_roi_pool", "roi_max_pool")]
    assert [each.get("output_dim", each.get("pooled_height")) for each in attributes] == ["2"]


@OPERATORS
def test_in_a_module_of_symbols(operator):
    data, rois = mx.sym.Variable("data"), mx.sym.Variable("rois")
    symbol = operator(mx.sym, data, rois, output_dim=2, pooled_size=2, spatial_scale=1, name="psroi")
    assert symbol.list_outputs() == ["psroi_output"] and symbol.list_arguments() == ["data", "rois"]
    assert symbol.infer_shape(data=(1, 8, 5, 5), rois=(3, 5))[1] == [(3, 2, 2, 2)]
    with pytest.raises(mx.MXNetError, match="rois has an unknown shape"):
        symbol.infer_shape(data=(1, 8, 5, 5))
    arrays = {"data": mx.nd.random.normal(shape=(1, 8, 5, 5)), "rois": mx.nd.array([[0, 1, 1, 3, 4]])}
    executor = symbol.simple_bind(mx.cpu(), data=(1, 8, 5, 5), rois=(1, 5), grad_req={"data": "add", "rois": "null"})
    output = executor.forward(is_train=True, **arrays)[0]
    np.testing.assert_array_equal(output.asnumpy(), operator(mx.nd, arrays["data"], arrays["rois"], output_dim=2,
                                                             pooled_size=2, spatial_scale=1).asnumpy())
    for _ in range(2):
        executor.backward(mx.nd.ones(output.shape))
    assert executor.grad_dict["data"].asnumpy().sum() == pytest.approx(2 * 8)


@OPERATORS
def test_rois_have_no_gradient(operator):
    data, rois = mx.nd.ones((1, 4, 5, 5)), mx.nd.array([[0, 1, 1, 3, 3]])
    rois.attach_grad()
    rois.grad[:] = 7
    with autograd.record():
        output = operator(mx.nd, data, rois, output_dim=1, pooled_size=2, spatial_scale=1)
    output.backward()
    assert (rois.grad.asnumpy() == 0).all()


@OPERATORS
def test_no_rois(operator):
    with mx.util.np_shape(True):
        output = operator(mx.nd, mx.nd.ones((1, 8, 5, 5)), mx.nd.zeros((0, 5)), output_dim=2, pooled_size=2,
                          spatial_scale=1)
        assert output.shape == (0, 2, 2, 2) and output.asnumpy().size == 0


BOTH = [
    ({"output_dim": 0}, "output_dim must be an integer from 1"),
    ({"output_dim": 3}, "data must have output_dim * pooled_size^2 = 12 channels, got 8"),
    ({"pooled_size": 2.5}, "pooled_size must be an integer"),
    ({"pooled_size": 0}, "pooled_size must be an integer from 1"),
    ({"spatial_scale": -1}, "spatial_scale must be a positive number"),
    ({"spatial_scale": 0}, "spatial_scale must be a positive number"),
    ({"spatial_scale": float("nan")}, "spatial_scale must be a positive number"),
    ({"spatial_scale": float("inf")}, "spatial_scale must be a positive number"),
    ({"spatial_scale": "1/16"}, "spatial_scale must be a positive number, got '1/16'"),
    ({"data": mx.nd.ones((8, 5, 5))}, "data must be (N, C, H, W), got (8, 5, 5)"),
    ({"data": mx.nd.ones((1, 8, 5, 5), dtype="float16")}, "data must be float32 or float64"),
    ({"rois": mx.nd.ones((1, 4))}, "rois must be (R, 5), got (1, 4)"),
    ({"rois": mx.nd.ones((5,))}, "rois must be (R, 5), got (5)"),
    ({"rois": mx.nd.ones((1, 5), dtype="float64")}, "rois must have the type of data"),
]
ALIGN = [
    ({"sampling_ratio": -1}, "sampling_ratio must be an integer from 0 to 64, got '-1'"),
    ({"sampling_ratio": 65}, "sampling_ratio must be an integer from 0 to 64, got '65'"),
    ({"aligned": "maybe"}, "aligned must be True or False, got 'maybe'"),
    ({"border": "wrap"}, "border must be one of 'clamp', 'zero', got 'wrap'"),
    ({"mode": "median"}, "mode must be one of 'avg', 'max', got 'median'"),
]


@pytest.mark.parametrize("operator, change, part", [(ps_roi_align, *case) for case in BOTH + ALIGN]
                         + [(ps_roi_pool, *case) for case in BOTH])
def test_wrong_input_is_named(operator, change, part):
    name = operator.__name__
    options = dict(data=mx.nd.ones((1, 8, 5, 5)), rois=mx.nd.ones((1, 5)), output_dim=2, pooled_size=2, spatial_scale=1)
    options.update(change)
    with pytest.raises(mx.MXNetError) as error:
        operator(mx.nd, **options)
    assert name + ": " + part in str(error.value)
    assert str(error.value).count(name + ": ") == 1  # no message of an earlier error
    assert operator(mx.nd, mx.nd.ones((1, 8, 5, 5)), mx.nd.ones((1, 5)), 2, 2, 1).shape == (1, 2, 2, 2)


@pytest.mark.parametrize("name", ["ps_roi_align", "ps_roi_pool"])
def test_unknown_argument_is_named(name):
    operator, inputs = getattr(mx.nd, name), (mx.nd.ones((1, 8, 5, 5)), mx.nd.ones((1, 5)))
    with pytest.raises(mx.MXNetError, match=name + ": scale is not an argument"):
        operator(*inputs, output_dim=2, pooled_size=2, scale=1)
    with pytest.raises(mx.MXNetError, match=name + ": spatial_scale is missing"):
        operator(*inputs, output_dim=2, pooled_size=2)


@pytest.mark.parametrize("change, part", [
    ({"pooled_size": (2, 0)}, "pooled_width must be an integer from 1"),
    ({"pooled_size": (2.5, 2)}, "pooled_height must be an integer"),
    ({"spatial_scale": 0}, "spatial_scale must be a positive number"),
    ({"data": mx.nd.ones((8, 5, 5))}, "data must be (N, C, H, W), got (8, 5, 5)"),
    ({"data": mx.nd.ones((1, 8, 5, 5), dtype="float16")}, "data must be float32 or float64"),
    ({"rois": mx.nd.ones((1, 4))}, "rois must be (R, 5), got (1, 4)"),
    ({"rois": mx.nd.ones((1, 5), dtype="float64")}, "rois must have the type of data")])
def test_wrong_input_of_max_pooling_is_named(change, part):
    options = dict(data=mx.nd.ones((1, 8, 5, 5)), rois=mx.nd.ones((1, 5)), pooled_size=2, spatial_scale=1)
    options.update(change)
    with pytest.raises(mx.MXNetError) as error:
        roi_max_pool(mx.nd, **options)
    assert "roi_max_pool: " + part in str(error.value) and str(error.value).count("roi_max_pool: ") == 1


def test_max_pooling_infers_shapes_for_any_number_of_bins():
    symbol = roi_max_pool(mx.sym, mx.sym.var("data"), mx.sym.var("rois"), (3, 5), 1 / 16)
    assert symbol.infer_shape(data=(2, 9, 20, 30), rois=(7, 5))[1] == [(7, 9, 3, 5)]
    with pytest.raises(mx.MXNetError, match="roi_max_pool: scale is not an argument"):
        mx.nd.roi_max_pool(mx.nd.ones((1, 8, 5, 5)), mx.nd.ones((1, 5)), pooled_height=2, pooled_width=2, scale=1)
