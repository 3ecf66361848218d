"""Graphs bound by MXNet: they run forward and backward, for one image and for several, with every proposal operator."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import symbols

OPERATORS = ("contrib", "custom", "native")
XCEPTION, RFCN = "xception_rfcn_light", "resnet_v1_101_rfcn"


def check_outputs(small, outputs, images, rows):
    prob, boxes = outputs
    assert prob.shape == (images, rows, small.classes) and boxes.shape[:2] == (images, rows)
    np.testing.assert_allclose(prob.sum(axis=2), 1, rtol=1e-5)
    assert np.isfinite(boxes).all()


@pytest.mark.parametrize("name, images, operator", [
    (XCEPTION, images, operator) for images in (1, 2) for operator in OPERATORS
] + [("resnet_v1_101_rfcn_light", 1, "contrib"), (RFCN, 2, "custom")])
def test_whole_graph_runs(name, images, operator, small):
    options = dict(small.options, images=images, proposal_operator=operator)
    executor = small.bind(symbols.get_symbol(name, False, **options), small.feed(images, train=False), grad_req="null")
    rois, *outputs = (output.asnumpy() for output in executor.forward())
    assert (rois[:, 0] == np.repeat(np.arange(images), 16)).all()
    assert (rois[:, 1:3] >= 0).all() and (rois[:, 3] <= 95).all() and (rois[:, 4] <= 63).all()
    check_outputs(small, outputs, images, 16)

    executor = small.bind(symbols.get_symbol(name, True, **options), small.feed(images))
    rpn_prob, rpn_loss, *outputs, label = (output.asnumpy() for output in executor.forward(is_train=True))
    check_outputs(small, outputs, images, 18)
    assert rpn_prob.shape == (images, 2, small.anchors * 4, 6) and rpn_loss.any()
    assert label.shape == (images, 18) and ((label >= 0).sum(axis=1) == 8).all() and set(label[0]) <= {-1, 0, 1, 3}
    executor.backward()
    for parameter, gradient in executor.grad_dict.items():
        if parameter.endswith(("_weight", "_bias", "_gamma", "_beta")):
            assert np.isfinite(gradient.asnumpy()).all(), parameter
    for parameter in ("conv1_weight", "rpn_conv_3x3_weight", "conv_new_1_weight"):
        assert executor.grad_dict[parameter].asnumpy().any()


@pytest.mark.parametrize("smaller", [0, 1])
@pytest.mark.parametrize("operator", OPERATORS)
def test_images_of_a_batch_do_not_mix(operator, smaller, small):
    """Each image answers as it does alone; one of the two, the first or the second, is smaller than the batch."""
    options = dict(small.options, proposal_operator=operator)
    together = small.feed(2, train=False, smaller=smaller)
    both = small.bind(symbols.get_symbol(XCEPTION, False, images=2, **options), together, grad_req="null")
    one = small.bind(symbols.get_symbol(XCEPTION, False, **options), small.feed(1, train=False), grad_req="null")
    expected = [output.asnumpy() for output in both.forward()]
    for n in range(2):
        for key in ("data", "im_info"):
            one.arg_dict[key][:] = together[key][n:n + 1]
        rois, prob, boxes = (output.asnumpy() for output in one.forward())
        np.testing.assert_allclose(rois[:, 1:], expected[0].reshape(2, 16, 5)[n, :, 1:], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(prob[0], expected[1][n], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(boxes[0], expected[2][n], rtol=1e-3, atol=1e-4)
        assert (rois[:, 3].max() <= 65) == (n == smaller)


@pytest.mark.parametrize("smaller", [0, 1])
def test_images_of_a_training_batch_do_not_mix(smaller, small):
    """The outputs of training of each image are those that it has alone; the images have unlike numbers of boxes."""
    together = small.feed(2, smaller=smaller)
    both = small.bind(symbols.get_symbol(XCEPTION, images=2, **small.options), together)
    one = small.bind(symbols.get_symbol(XCEPTION, **small.options), small.feed(1))
    expected = [output.asnumpy() for output in both.forward(is_train=True)]
    assert (expected[4] != expected[4][::-1]).any()
    for n in range(2):
        for key, array in together.items():
            one.arg_dict[key][:] = array[n:n + 1]
        for found, wanted in zip(one.forward(is_train=True), expected):
            np.testing.assert_allclose(found.asnumpy()[0], wanted[n], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("options, few", [({"rpn_nms": 0.5}, False), ({"pre_nms": 10}, True)])
@pytest.mark.parametrize("smaller", [None, 0])
def test_all_operators_propose_the_same(options, few, smaller, small):
    """Also where the image is smaller than the batch, and where proposals are few and are repeated."""
    outputs = []
    for operator in OPERATORS:
        symbol = symbols.get_symbol(XCEPTION, False, proposal_operator=operator, **dict(small.options, **options))
        executor = small.bind(symbol, small.feed(1, train=False, smaller=smaller), grad_req="null")
        outputs.append([output.asnumpy() for output in executor.forward()])
    count = len(np.unique(outputs[0][0], axis=0))
    assert 1 < count <= 10 if few else count == 16
    # In NumPy the proposals are repeated by chance, as in the MXNet original.
    contrib, custom, native = outputs
    np.testing.assert_allclose(contrib[0], native[0], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(contrib[1], native[1], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(contrib[0][:count], custom[0][:count], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(contrib[1][:, :count], custom[1][:, :count], rtol=1e-3, atol=1e-5)
    assert len(np.unique(custom[0], axis=0)) == count


def test_an_image_without_proposals_does_no_harm(small):
    """All boxes are too small for the native operator; in training the ground truths remain."""
    options = dict(small.options, proposal_operator="native", rpn_min_size=1000)
    test = small.bind(symbols.get_symbol(XCEPTION, False, **options), small.feed(train=False), grad_req="null")
    rois, prob, _ = (output.asnumpy() for output in test.forward())
    assert not rois.any() and np.isfinite(prob).all()
    train = small.bind(symbols.get_symbol(XCEPTION, True, **options), small.feed())
    label = train.forward(is_train=True)[4].asnumpy()
    np.testing.assert_array_equal(label, [[3, 1] + [-1] * 16])


@pytest.mark.parametrize("name, ohem, operator", [
    (XCEPTION, 8, "contrib"), (XCEPTION, 0, "custom"), (XCEPTION, 8, "native"),
    pytest.param(RFCN, 8, "contrib", marks=pytest.mark.slow)])
def test_parts_run_on_what_the_other_part_made(name, ohem, operator, small):
    """The proposals of the RPN's graph, given to the graph of the rest, answer as the whole graph does."""
    options = dict(small.options, proposal_operator=operator, ohem=ohem, roi_batch_size=8)
    inputs = small.feed(1, train=False)
    whole = small.bind(symbols.get_symbol(name, False, **options), inputs, grad_req="null")
    rois, prob, boxes = (output.asnumpy() for output in whole.forward())
    parameters = {**whole.arg_dict, **whole.aux_dict}

    def share(executor):
        for key, array in list(executor.arg_dict.items()) + list(executor.aux_dict.items()):
            if key in parameters and key not in inputs:
                array[:] = parameters[key]
        return executor

    rpn = share(small.bind(symbols.get_symbol_rpn(name, False, **options), inputs, grad_req="null"))
    found, scores = (output.asnumpy() for output in rpn.forward())
    np.testing.assert_allclose(found, rois, rtol=1e-4, atol=1e-3)
    assert scores.shape == (16, 1) and (np.diff(scores[:, 0]) <= 0).all()
    given = {"data": inputs["data"], "rois": found[None]}
    rest = share(small.bind(symbols.get_symbol_rcnn(name, False, **options), given, grad_req="null"))
    for a, b in zip(rest.forward(), (prob, boxes)):
        np.testing.assert_allclose(a.asnumpy(), b, rtol=1e-3, atol=1e-4)

    train = small.feed(1)
    rpn = small.bind(symbols.get_symbol_rpn(name, True, **options),
                     {key: train[key] for key in ("data", "label", "bbox_target", "bbox_weight")})
    rpn.forward(is_train=True)
    rpn.backward()
    assert rpn.grad_dict["rpn_conv_3x3_weight"].asnumpy().any() and "conv_new_1_weight" not in rpn.grad_dict
    given.update(label=np.arange(16)[None] % 3, bbox_target=np.ones((1, 16, 8)), bbox_weight=np.ones((1, 16, 8)))
    rest = small.bind(symbols.get_symbol_rcnn(name, True, **options), given)
    label = rest.forward(is_train=True)[2:]
    rest.backward()
    assert [tuple(array.shape) for array in label] == ([(16,)] if ohem else [])
    assert rest.grad_dict["conv_new_1_weight"].asnumpy().any() and "rpn_conv_3x3_weight" not in rest.grad_dict


def test_other_places_of_relu_and_other_pooling(small):
    outputs = []
    for options in ({}, {"relu": "after_sum"}, {"roi_pool": "psroi_align"}, {"class_agnostic": False},
                    {"norm": "batch"}):
        executor = small.bind(symbols.get_symbol(XCEPTION, True, **small.options, **options), small.feed())
        outputs.append([output.asnumpy() for output in executor.forward(is_train=True)])
        executor.backward()
        assert executor.grad_dict["conv1_weight"].asnumpy().any()
    assert outputs[3][3].shape == (1, 18, 4 * small.classes)
    for other in outputs[1:3] + outputs[4:]:
        assert other[2].shape == outputs[0][2].shape and np.abs(other[2] - outputs[0][2]).max() > 1e-3


def test_wrong_attributes_of_custom_operators_are_named(capfd):
    """MXNet's error does not hold the message; it is printed."""
    rois, gt_boxes = mx.sym.Variable("rois"), mx.sym.Variable("gt_boxes")
    wrong = mx.sym.Custom(rois=rois, gt_boxes=gt_boxes, op_type="proposal_target", num_classes=2, batch_images=1,
                          batch_rois=-1, cfg="cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(mx.MXNetError):
        wrong.infer_shape(rois=(4, 5), gt_boxes=(2, 5))
    assert "a pickled configuration (attribute cfg)" in capfd.readouterr().out
