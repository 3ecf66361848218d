"""PS-RoIAlign as an operator of MXNet: gradients that add up, blocks, symbols, exports, errors naming arguments."""
import json

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.operators import ps_roi_align


def test_gradient_that_is_added():
    """MXNet does not tell library operators to add to a gradient; the wrapper sees to it."""
    data, rois = mx.nd.random.normal(shape=(1, 4, 6, 6)), mx.nd.array([[0, 1, 1, 4, 4]])

    def gradient(passes, grad_req):
        data.attach_grad(grad_req)
        for _ in range(passes):
            with autograd.record():
                output = ps_roi_align(mx.nd, data, rois, output_dim=1, pooled_size=2, spatial_scale=1)
            output.backward()
        return data.grad.asnumpy()

    once = gradient(1, "write")
    np.testing.assert_allclose(gradient(3, "add"), 3 * once, rtol=1e-6)


def test_many_consumers_of_one_map():
    """More than eight gradients of one array MXNet adds in place."""
    rois = mx.nd.array([[0, 1, 1, 4, 4]])

    class Many(gluon.HybridBlock):
        def hybrid_forward(self, F, data, rois):
            return sum(ps_roi_align(F, data, rois, output_dim=1, pooled_size=2, spatial_scale=1) for _ in range(12))

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

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.conv = gluon.nn.Conv2D(8, 3, padding=1)

    def hybrid_forward(self, F, x, rois):
        """Pools x (N, C, H, W) at rois (R, 5)."""
        return ps_roi_align(F, self.conv(x), rois, output_dim=2, pooled_size=2, spatial_scale=1, aligned=True)


def test_in_hybrid_blocks_symbols_and_exports(tmp_path):
    net, x, rois = Pool(), mx.nd.random.normal(shape=(1, 3, 8, 8)), mx.nd.array([[0, 1, 1, 6, 6], [0, 0, 2, 5, 7]])
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
    assert [node["attrs"]["aligned"] for node in nodes if node["op"] == "ps_roi_align"] == ["True"]


def test_in_a_module_of_symbols():
    data, rois = mx.sym.Variable("data"), mx.sym.Variable("rois")
    symbol = ps_roi_align(mx.sym, data, rois, output_dim=2, pooled_size=2, spatial_scale=1, name="psroi")
    assert symbol.list_outputs() == ["psroi_output"] and symbol.list_arguments() == ["data", "rois"]
    assert symbol.infer_shape(data=(1, 8, 5, 5), rois=(3, 5))[1] == [(3, 2, 2, 2)]
    with pytest.raises(mx.MXNetError, match="ps_roi_align: rois has an unknown shape"):
        symbol.infer_shape(data=(1, 8, 5, 5))
    arrays = {"data": mx.nd.random.normal(shape=(1, 8, 5, 5)), "rois": mx.nd.array([[0, 1, 1, 3, 4]])}
    executor = symbol.simple_bind(mx.cpu(), data=(1, 8, 5, 5), rois=(1, 5), grad_req={"data": "add", "rois": "null"})
    output = executor.forward(is_train=True, **arrays)[0]
    np.testing.assert_array_equal(output.asnumpy(), ps_roi_align(mx.nd, arrays["data"], arrays["rois"], output_dim=2,
                                                                 pooled_size=2, spatial_scale=1).asnumpy())
    for _ in range(2):
        executor.backward(mx.nd.ones(output.shape))
    assert executor.grad_dict["data"].asnumpy().sum() == pytest.approx(2 * 8)


def test_no_rois():
    with mx.util.np_shape(True):
        output = ps_roi_align(mx.nd, mx.nd.ones((1, 8, 5, 5)), mx.nd.zeros((0, 5)), output_dim=2, pooled_size=2,
                              spatial_scale=1)
        assert output.shape == (0, 2, 2, 2) and output.asnumpy().size == 0


@pytest.mark.parametrize("change, part", [
    ({"output_dim": 0}, "output_dim must be an integer from 1"),
    ({"output_dim": 3}, "data must have output_dim * pooled_size^2 = 12 channels, got 8"),
    ({"pooled_size": 2.5}, "pooled_size must be an integer"),
    ({"spatial_scale": -1}, "spatial_scale must be a positive number"),
    ({"spatial_scale": float("nan")}, "spatial_scale must be a positive number"),
    ({"sampling_ratio": 0}, "sampling_ratio must be an integer from 1 to 64, got '0'"),
    ({"aligned": "maybe"}, "aligned must be True or False, got 'maybe'"),
    ({"border": "wrap"}, "border must be one of 'clamp', 'zero', got 'wrap'"),
    ({"mode": "max"}, "mode 'max' is not there yet"),
    ({"mode": "median"}, "mode must be one of 'avg', 'max', got 'median'"),
    ({"data": mx.nd.ones((8, 5, 5))}, "data must be (N, C, H, W), got (8, 5, 5)"),
    ({"data": mx.nd.ones((1, 8, 5, 5), dtype="float16")}, "data must be float32 or float64"),
    ({"rois": mx.nd.ones((1, 4))}, "rois must be (R, 5), got (1, 4)"),
    ({"rois": mx.nd.ones((1, 5), dtype="float64")}, "rois must have the type of data"),
])
def test_wrong_input_is_named(change, part):
    options = dict(data=mx.nd.ones((1, 8, 5, 5)), rois=mx.nd.ones((1, 5)), output_dim=2, pooled_size=2, spatial_scale=1)
    options.update(change)
    with pytest.raises(mx.MXNetError) as error:
        ps_roi_align(mx.nd, **options)
    assert "ps_roi_align: " + part in str(error.value)
    assert str(error.value).count("ps_roi_align: ") == 1  # no message of an earlier error
    assert ps_roi_align(mx.nd, mx.nd.ones((1, 8, 5, 5)), mx.nd.ones((1, 5)), 2, 2, 1).shape == (1, 2, 2, 2)


def test_unknown_argument_is_named():
    with pytest.raises(mx.MXNetError, match="ps_roi_align: scale is not an argument"):
        mx.nd.ps_roi_align(mx.nd.ones((1, 8, 5, 5)), mx.nd.ones((1, 5)), output_dim=2, pooled_size=2, scale=1)
    with pytest.raises(mx.MXNetError, match="ps_roi_align: spatial_scale is missing"):
        mx.nd.ps_roi_align(mx.nd.ones((1, 8, 5, 5)), mx.nd.ones((1, 5)), output_dim=2, pooled_size=2)
