"""The steps from R-FCN to Light-Head R-CNN: parameters of every option, and what a head makes of them, by hand."""
import itertools

import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn
from light_head_rcnn.gluon_models.roi_pools import ROI_POOLS, pool_rois

ROIS = mx.nd.array([[0, 10, 20, 90, 60], [1, 0, 0, 127, 95], [0, 64, 16, 80, 40]])
NECKS = {"large_separable": {1: (64, 576, 15, 1), 2: (490, 64, 1, 15), 3: (64, 576, 1, 15), 4: (490, 64, 15, 1)},
         "pointwise": {1: (490, 576, 1, 1)}}


def light_head(**options):
    return light_head_rcnn.get_model("light_head_rcnn_xception_coco", classes=("a", "b", "c"), **options)


@pytest.mark.parametrize("neck, roi_pool, hidden", list(itertools.product(NECKS, ROI_POOLS, (0, 48))))
def test_parameters_of_neck_and_head(neck, roi_pool, hidden):
    net = light_head(neck=neck, roi_pool=roi_pool, hidden=hidden)
    pooled = 490 * 49 if roi_pool == "roi_pool" else 490
    expected = {f"conv_new_{number}": shape for number, shape in NECKS[neck].items()}
    expected.update(cls_score=(4, hidden or pooled), bbox_pred=(8, hidden or pooled))
    if hidden:
        expected["fc_new_1"] = (hidden, pooled)
    found = dict(net.neck.collect_params(), **net.head.collect_params())
    assert {name: p.shape for name, p in found.items() if name.endswith("_weight")} == {
        name + "_weight": shape for name, shape in expected.items()}
    assert all(found[name + "_bias"].shape == shape[:1] for name, shape in expected.items())
    assert all(found[name].lr_mult == (3 if name.startswith("conv_new") else 1) for name in found)
    assert set(net.head.output_layers + net.head.hidden_layers) == set(net.head._children.values())


@pytest.mark.parametrize("roi_pool", ("psroi_pool", "roi_pool"))
@pytest.mark.parametrize("hidden", (0, 48))
def test_thin_map_of_one_convolution_by_hand(hidden, roi_pool):
    net = light_head(neck="pointwise", roi_pool=roi_pool, hidden=hidden)
    net.initialize(mx.init.Normal(0.1))
    head_map = mx.nd.random.normal(shape=(2, 576, 6, 8))
    values = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
    thin = np.einsum("oc,nchw->nohw", values["conv_new_1_weight"][:, :, 0, 0], head_map.asnumpy()).clip(0)
    x = pool_rois(mx.nd, roi_pool, mx.nd.array(thin), ROIS, stride=16).asnumpy().reshape(3, -1)
    if hidden:
        x = (x @ values["fc_new_1_weight"].T).clip(0)
    for found, name in zip(net.classify(mx.nd, head_map, ROIS), ("cls_score", "bbox_pred")):
        expected = x @ values[name + "_weight"].T
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
