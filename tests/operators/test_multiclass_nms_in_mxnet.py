"""Detections as an operator of MXNet: symbols, blocks, exports, errors naming arguments."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.operators import multiclass_nms


def random_inputs():
    corners = mx.nd.random.uniform(0, 50, shape=(2, 10, 2))
    return mx.nd.random.uniform(shape=(2, 10, 4)), mx.nd.concat(corners, corners + 20, dim=2)


class Detect(gluon.HybridBlock):
    """Makes detections; only of the first `valid` boxes where that is given."""

    def hybrid_forward(self, F, scores, boxes, valid=None):
        """scores (N, R, C) and boxes (N, R, 4)."""
        return multiclass_nms(F, scores, boxes, valid, max_per_image=12, nms_threshold=0.2)


@pytest.mark.parametrize("valid", [[], [mx.nd.array([3, 10])]])
def test_in_hybrid_blocks_and_exports(tmp_path, valid):
    net, arrays = Detect(), list(random_inputs()) + valid
    expected = [array.asnumpy() for array in net(*arrays)]
    assert expected[1].min() > 0
    with autograd.record():
        recorded = net(*arrays)
    np.testing.assert_array_equal(recorded[0].asnumpy(), expected[0])
    net.hybridize(static_alloc=True)
    for _ in range(3):
        for found, wanted in zip(net(*arrays), expected):
            np.testing.assert_array_equal(found.asnumpy(), wanted)
    net.export(str(tmp_path / "net"))
    loaded = gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), [f"data{i}" for i in range(len(arrays))])
    for found, wanted in zip(loaded(*arrays), expected):
        np.testing.assert_array_equal(found.asnumpy(), wanted)


@pytest.mark.parametrize("hybridize", [False, True])
def test_gradients_that_are_added_stay(hybridize):
    """The operator has no gradient, and must not overwrite one that is there already."""
    net, arrays = Detect(), random_inputs()
    if hybridize:
        net.hybridize()
    for array in arrays:
        array.attach_grad("add")
        array.grad[:] = 7
    with autograd.record():
        output, _ = net(*arrays)
    output.backward()
    assert all((array.grad.asnumpy() == 7).all() for array in arrays)


def test_defaults():
    node = multiclass_nms(mx.sym, *map(mx.sym.Variable, ("scores", "boxes")), name="found").attr_dict()["found"]
    expected = dict(with_valid="False", background="0", score_threshold="0.001", nms_threshold="0.3", pre_nms="0",
                    max_per_image="100", soft="none", sigma="0.5", inclusive="True")
    assert {name: node[name] for name in expected} == expected


def test_in_a_module_of_symbols():
    symbol = multiclass_nms(mx.sym, *map(mx.sym.Variable, ("scores", "boxes", "valid")), max_per_image=7, name="found")
    assert symbol.list_arguments() == ["scores", "boxes", "valid"]
    assert symbol.list_outputs() == ["found_output0", "found_output1"]
    arrays = dict(zip(symbol.list_arguments(), list(random_inputs()) + [mx.nd.array([10, 4])]))
    shapes = {name: array.shape for name, array in arrays.items()}
    assert symbol.infer_shape(**shapes)[1] == [(2, 7, 6), (2,)]
    outputs = symbol.bind(mx.cpu(), arrays).forward()
    for found, wanted in zip(outputs, multiclass_nms(mx.nd, *arrays.values(), max_per_image=7)):
        np.testing.assert_array_equal(found.asnumpy(), wanted.asnumpy())
    with pytest.raises(mx.MXNetError, match="multiclass_nms: valid has an unknown shape"):
        symbol.infer_shape(scores=shapes["scores"], boxes=shapes["boxes"])


@pytest.mark.parametrize("change, part", [
    ({"background": 4}, "background must be one of the 4 classes or -1, got 4"),
    ({"background": -2}, "background must be an integer from -1"),
    ({"score_threshold": "low"}, "score_threshold must be a number, got 'low'"),
    ({"score_threshold": -0.5, "soft": "linear"}, "score_threshold must be at least 0 unless soft is 'none'"),
    ({"nms_threshold": -0.1}, "nms_threshold must be a number from 0 to 1, got '-0.1'"),
    ({"pre_nms": -1}, "pre_nms must be an integer from 0"),
    ({"max_per_image": 0}, "max_per_image must be an integer from 1"),
    ({"soft": "hard"}, "soft must be one of 'none', 'linear', 'gaussian', got 'hard'"),
    ({"sigma": 0}, "sigma must be above 0"),
    ({"inclusive": "yes"}, "inclusive must be True or False, got 'yes'"),
    ({"scores": mx.nd.ones((10, 4))}, "scores must be (N, R, C), got (10, 4)"),
    ({"scores": mx.nd.ones((2, 10, 4), dtype="float16")}, "scores must be float32 or float64"),
    ({"scores": mx.nd.ones((2, 9, 4))},
     "boxes must be (2, 9, 4) or, with a box for each class, (2, 9, 16) for scores (2, 9, 4), got (2, 10, 4)"),
    ({"boxes": mx.nd.ones((2, 10, 12))},
     "boxes must be (2, 10, 4) or, with a box for each class, (2, 10, 16) for scores"),
    ({"boxes": mx.nd.ones((2, 10, 4), dtype="float64")}, "boxes must have the type of scores"),
    ({"valid": mx.nd.ones((2, 1))}, "valid must be (N,), got (2, 1)"),
    ({"valid": mx.nd.ones((3,))}, "valid must be (2), got (3)"),
    ({"valid": mx.nd.ones((2,), dtype="int32")}, "valid must have the type of scores"),
])
def test_wrong_input_is_named(change, part):
    scores, boxes = random_inputs()
    options = dict(scores=scores, boxes=boxes)
    options.update(change)
    with pytest.raises(mx.MXNetError) as error:
        multiclass_nms(mx.nd, **options)
    assert "multiclass_nms: " + part in str(error.value)
    assert multiclass_nms(mx.nd, scores, boxes)[0].shape == (2, 100, 6)


def test_unknown_argument_is_named():
    with pytest.raises(mx.MXNetError, match="multiclass_nms: threshold is not an argument"):
        mx.nd.multiclass_nms(*random_inputs(), threshold=0.5)
