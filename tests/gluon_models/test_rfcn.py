"""R-FCN: the MXNet original's parameters, its votes against a slow loop, other classes."""
import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn

NAME = "rfcn_resnet101_v1_coco"


def head_of(net):
    """The neck and the head of a network, initialised; its backbone is large and not needed here."""
    for block in (net.neck, net.head):
        block.initialize(mx.init.Normal(0.1))
    return net


def test_parameters_are_those_of_the_mxnet_original(original_parameters):
    net = light_head_rcnn.get_model(NAME)
    found = {name: (p.shape, p.lr_mult) for name, p in net.collect_params().items()}
    head = {"conv_new_1": (1024, 2048, 1, 1), "rfcn_cls": (49 * 81, 1024, 1, 1), "rfcn_bbox": (49 * 8, 1024, 1, 1)}
    expected = {name: value for name, value in original_parameters.items()
                if not name.startswith(("conv_new_", "fc_new_1", "cls_score", "bbox_pred"))}
    for name, shape in head.items():
        mult = 3.0 if name == "conv_new_1" else 1.0
        expected.update({name + "_weight": (shape, mult), name + "_bias": (shape[:1], mult)})
    assert found == expected


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_votes_against_a_slow_loop(class_agnostic):
    """RoIs whose bins are 2 x 2 cells: every bin averages its own channel, and the bins are averaged."""
    net = head_of(light_head_rcnn.get_model(NAME, classes=("a", "b"), class_agnostic=class_agnostic))
    head_map = mx.nd.random.normal(shape=(2, 2048, 16, 20))
    rois = np.array([[1, 0, 0, 223, 223], [0, 64, 16, 287, 239]], np.float32)
    maps = [part.asnumpy() for part in net.head(net.neck(head_map))]
    logits, deltas = (part.asnumpy() for part in net.classify(mx.nd, head_map, mx.nd.array(rois)))
    assert logits.shape == (2, 3) and deltas.shape == (2, 8 if class_agnostic else 12)
    for found, part in zip((logits, deltas), maps):
        for r, (image, x1, y1, _, _) in enumerate(rois):
            column, row = int(x1 // 16), int(y1 // 16)
            for value in range(found.shape[1]):
                votes = [part[int(image), (value * 7 + i) * 7 + j, row + 2 * i:row + 2 * i + 2,
                              column + 2 * j:column + 2 * j + 2].mean() for i in range(7) for j in range(7)]
                np.testing.assert_allclose(found[r, value], np.mean(votes), rtol=1e-3, atol=1e-4)


def test_other_classes():
    net = light_head_rcnn.get_model(NAME, classes=("a", "b", "c"))
    net.reset_class(["x"])
    assert net.classes == ("x",)
    shapes = {name: p.shape for name, p in net.head.collect_params().items()}
    assert shapes["rfcn_cls_weight"] == (98, 1024, 1, 1) and shapes["rfcn_bbox_weight"] == (392, 1024, 1, 1)
    logits, _ = head_of(net).classify(mx.nd, mx.nd.ones((1, 2048, 4, 4)), mx.nd.array([[0, 0, 0, 31, 31]]))
    assert logits.shape == (1, 2)
