"""Proposals as an operator of MXNet: symbols, blocks, exports, gradients, errors naming arguments."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.operators import ps_roi_align, rpn_proposal
from light_head_rcnn.operators.anchors import base_anchors

SMALL = dict(ratios=(0.5, 1), scales=(1, 2), post_nms=8)


def random_inputs(images=2):
    return (mx.nd.random.uniform(shape=(images, 8, 4, 5)), mx.nd.random.normal(scale=0.2, shape=(images, 16, 4, 5)),
            mx.nd.array([[64, 80, 1]] * images))


class Head(gluon.HybridBlock):
    """Convolutions, proposals, and features pooled at them."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.score, self.box, self.map = (gluon.nn.Conv2D(channels, 1) for channels in (8, 16, 4))

    def hybrid_forward(self, F, x, im_info):
        """Pools a map of x (N, C, H, W); returns the pooled map, the proposals and the probabilities."""
        prob, deltas = F.sigmoid(self.score(x)), self.box(x)
        rois, counts, scores = rpn_proposal(F, prob, deltas, im_info, output_score=True, **SMALL)
        pooled = ps_roi_align(F, self.map(x), rois, output_dim=1, pooled_size=2, spatial_scale=1 / 16)
        return pooled, rois, counts, scores, prob


def test_in_hybrid_blocks_and_exports(tmp_path):
    net, x, im_info = Head(), mx.nd.random.normal(shape=(2, 3, 4, 5)), mx.nd.array([[64, 80, 1], [50, 60, 1]])
    net.initialize(mx.init.Normal(0.5))
    expected = [array.asnumpy() for array in net(x, im_info)]
    assert expected[2].min() > 0 and (expected[3][:, 0] > 0).any()
    net.hybridize(static_alloc=True, static_shape=True)
    for _ in range(3):
        for found, wanted in zip(net(x, im_info), expected):
            np.testing.assert_array_equal(found.asnumpy(), wanted)
    net.export(str(tmp_path / "net"))
    loaded = gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), ["data0", "data1"],
                                       str(tmp_path / "net-0000.params"))
    for found, wanted in zip(loaded(x, im_info), expected):
        np.testing.assert_array_equal(found.asnumpy(), wanted)


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("grad_req", ["write", "add"])
def test_training_flows_past_the_proposals(grad_req, hybridize):
    """No gradient flows through the proposals, only through the scores' other use and the map; added ones add up."""
    net, x, im_info = Head(), mx.nd.random.normal(shape=(1, 3, 4, 5)), mx.nd.array([[64, 80, 1]])
    net.initialize(mx.init.Normal(0.5))
    net.collect_params().setattr("grad_req", grad_req)
    if hybridize:
        net.hybridize()
    for _ in range(2):
        with autograd.record():
            pooled, rois, _, _, prob = net(x, im_info)
            loss = pooled.sum() + 0 * rois.sum() + prob.sum()
        loss.backward()
    prob_grad = (prob * (1 - prob)).sum(axis=(0, 2, 3)).asnumpy()
    np.testing.assert_allclose(net.score.bias.grad().asnumpy(), prob_grad * (2 if grad_req == "add" else 1), rtol=1e-4)
    assert (net.box.bias.grad().asnumpy() == 0).all() and (net.map.bias.grad().asnumpy() != 0).all()


def test_gradients_that_are_added_stay():
    """The operator has no gradient, and must not overwrite one that is there already."""
    arrays = random_inputs()
    for array in arrays:
        array.attach_grad("add")
        array.grad[:] = 7
    with autograd.record():
        rois, _ = rpn_proposal(mx.nd, *arrays, **SMALL)
    rois.backward()
    assert all((array.grad.asnumpy() == 7).all() for array in arrays)


def test_defaults():
    """Those of the MXNet original, at stride 16."""
    node = rpn_proposal(mx.sym, *map(mx.sym.Variable, "abc"), name="rois").attr_dict()["rois"]
    expected = dict(feature_stride="16", pre_nms="6000", post_nms="300", nms_threshold="0.7", min_size="0",
                    channels="split", feature_size="map", pad="empty", output_score="False")
    assert {name: node[name] for name in expected} == expected
    anchors = np.array([float(number) for number in node["anchors"].strip("()").split(",")])
    np.testing.assert_array_equal(anchors.reshape(-1, 4), base_anchors((0.5, 1, 2), (4, 8, 16, 32), 16))


def test_the_operator_itself_has_a_gradient_of_zeros():
    arrays = random_inputs()
    for array in arrays:
        array.attach_grad()
        array.grad[:] = 7
    with autograd.record():
        rois, counts = mx.nd.rpn_proposal(*arrays, anchors=(0,) * 16, post_nms=8)
        loss = rois.sum() + counts.sum()
    loss.backward()
    assert all((array.grad.asnumpy() == 0).all() for array in arrays)


@pytest.mark.parametrize("output_score", [False, True])
def test_in_a_module_of_symbols(output_score):
    variables = [mx.sym.Variable(name) for name in ("cls_prob", "bbox_pred", "im_info")]
    symbol = rpn_proposal(mx.sym, *variables, output_score=output_score, name="rois", **SMALL)
    assert symbol.list_arguments() == ["cls_prob", "bbox_pred", "im_info"]
    assert symbol.list_outputs() == [f"rois_output{i}" for i in range(3 if output_score else 2)]
    arrays = dict(zip(symbol.list_arguments(), random_inputs()))
    shapes = {name: array.shape for name, array in arrays.items()}
    assert symbol.infer_shape(**shapes)[1] == [(16, 5), (2,), (16, 1)][:2 + output_score]
    executor = symbol.simple_bind(mx.cpu(), **shapes)
    executor.forward(is_train=True, **arrays)
    expected = rpn_proposal(mx.nd, *arrays.values(), output_score=output_score, **SMALL)
    for found, wanted in zip(executor.outputs, expected):
        np.testing.assert_array_equal(found.asnumpy(), wanted.asnumpy())
    executor.backward([mx.nd.ones(output.shape) for output in executor.outputs])
    assert all((grad.asnumpy() == 0).all() for grad in executor.grad_arrays)
    # A saved graph holds the attributes as strings.
    again = mx.sym.load_json(symbol.tojson()).bind(mx.cpu(), arrays).forward()
    np.testing.assert_array_equal(again[0].asnumpy(), executor.outputs[0].asnumpy())


@pytest.mark.parametrize("anchors", ["(0, 0, 15, 15, -8, -8, 23, 23)", [0, 0, 15, 15, -8, -8, 23, 23]])
def test_anchors_as_attributes(anchors):
    arrays = [mx.nd.random.uniform(shape=(1, 4, 4, 5)), mx.nd.zeros((1, 8, 4, 5)), mx.nd.array([[64, 80, 1]])]
    found = mx.nd.rpn_proposal(*arrays, anchors=anchors, post_nms=8)[0].asnumpy()
    wanted = rpn_proposal(mx.nd, *arrays, ratios=[1], scales=[1, 2], post_nms=8)[0].asnumpy()
    np.testing.assert_array_equal(found, wanted)
    given = rpn_proposal(mx.nd, *arrays, anchors=np.array([[0, 0, 15, 15], [-8, -8, 23, 23.0]]), post_nms=8)[0]
    np.testing.assert_array_equal(given.asnumpy(), wanted)


@pytest.mark.parametrize("change, part", [
    ({"anchors": [1, 2, 3]}, "anchors must hold four numbers for each anchor, got 3"),
    ({"anchors": []}, "anchors must hold four numbers for each anchor, got 0"),
    ({"ratios": (1,)}, "cls_prob must have the 4 channels of 2 anchors, got 8"),
    ({"feature_stride": 0}, "feature_stride must be an integer from 1"),
    ({"pre_nms": -1}, "pre_nms must be an integer from 0"),
    ({"post_nms": 0}, "post_nms must be an integer from 1"),
    ({"nms_threshold": 1.5}, "nms_threshold must be a number from 0 to 1, got '1.5'"),
    ({"nms_threshold": float("nan")}, "nms_threshold must be a number from 0 to 1, got 'nan'"),
    ({"min_size": -1}, "min_size must be a number of at least 0, got '-1'"),
    ({"channels": "first"}, "channels must be one of 'split', 'interleaved', got 'first'"),
    ({"feature_size": "all"}, "feature_size must be one of 'map', 'im_info', got 'all'"),
    ({"pad": "zero"}, "pad must be one of 'empty', 'repeat', got 'zero'"),
    ({"output_score": 2}, "output_score must be True or False, got '2'"),
    ({"cls_prob": mx.nd.ones((2, 8, 4))}, "cls_prob must be (N, 2 * A, H, W), got (2, 8, 4)"),
    ({"cls_prob": mx.nd.ones((2, 8, 4, 5), dtype="float16")}, "cls_prob must be float32 or float64"),
    ({"cls_prob": mx.nd.ones((2, 8, 5, 5))},
     "bbox_pred must be (2, 16, 5, 5) for cls_prob (2, 8, 5, 5), got (2, 16, 4, 5)"),
    ({"bbox_pred": mx.nd.ones((2, 16, 4, 5), dtype="float64")}, "bbox_pred must have the type of cls_prob"),
    ({"im_info": mx.nd.ones((1, 3))}, "im_info must be (2, 3), got (1, 3)"),
    ({"im_info": mx.nd.ones((3,))}, "im_info must be (N, 3), got (3)"),
    ({"im_info": mx.nd.ones((2, 3), dtype="int32")}, "im_info must have the type of cls_prob"),
    ({"post_nms": 1 << 24, "cls_prob": mx.nd.ones((128, 8, 1, 1)), "bbox_pred": mx.nd.ones((128, 16, 1, 1)),
      "im_info": mx.nd.ones((128, 3))}, "post_nms is too large for 128 images"),
])
def test_wrong_input_is_named(change, part):
    cls_prob, bbox_pred, im_info = random_inputs()
    options = dict(SMALL, cls_prob=cls_prob, bbox_pred=bbox_pred, im_info=im_info)
    options.update(change)
    with pytest.raises(mx.MXNetError) as error:
        rpn_proposal(mx.nd, **options)
    assert "rpn_proposal: " + part in str(error.value)
    assert rpn_proposal(mx.nd, cls_prob, bbox_pred, im_info, **SMALL)[0].shape == (16, 5)


def test_unknown_and_missing_arguments_are_named():
    arrays = random_inputs()
    with pytest.raises(mx.MXNetError, match="rpn_proposal: scales is not an argument"):
        mx.nd.rpn_proposal(*arrays, anchors=(0,) * 16, scales=(1,))
    with pytest.raises(mx.MXNetError, match="rpn_proposal: anchors is missing"):
        mx.nd.rpn_proposal(*arrays)
    with pytest.raises(mx.MXNetError, match=r"rpn_proposal: anchors must be a tuple of numbers, got '\(1, x\)'"):
        mx.nd.rpn_proposal(*arrays, anchors="(1, x)")
    symbol = rpn_proposal(mx.sym, *map(mx.sym.Variable, "abc"), **SMALL)
    with pytest.raises(mx.MXNetError, match="rpn_proposal: bbox_pred has an unknown shape"):
        symbol.infer_shape(a=arrays[0].shape, c=arrays[2].shape)
