"""One set of weights, two forms: the graphs and the Gluon models agree at every stage, and learn the same."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

import light_head_rcnn
from light_head_rcnn import symbols
from light_head_rcnn.engine.checkpoints.parameters import load_parameters, save_parameters
from light_head_rcnn.gluon_models import DetectorLosses
from light_head_rcnn.operators.boxes import IGNORED_REGION

NAMES = ("a", "b", "c", "d")
LIGHT, SMALL, RFCN = "resnet_v1_101_rfcn_light", "xception_rfcn_light", "resnet_v1_101_rfcn"
MODELS = {LIGHT: "light_head_rcnn_resnet101_v1_coco", SMALL: "light_head_rcnn_xception_coco",
          RFCN: "rfcn_resnet101_v1_coco"}
# The backbone's two maps.
MAPS = {LIGHT: ("res4b22_relu", "res5c_relu"), SMALL: ("res3b7_relu", "res4b3_relu"),
        RFCN: ("res4b22_relu", "res5c_relu")}
INPUTS = ("data", "im_info", "gt_boxes", "label", "bbox_target", "bbox_weight")


def gluon_model(name, **options):
    return light_head_rcnn.get_model(MODELS[name], classes=NAMES, anchor_scales=(1, 3), post_nms=16, **options)


def parameters(executor):
    """{name with arg: or aux:, array} of an executor, its inputs left out."""
    found = {"arg:" + key: array for key, array in executor.arg_dict.items() if key not in INPUTS}
    found.update(("aux:" + key, array) for key, array in executor.aux_dict.items())
    return found


def load(net, arrays, path):
    """Parameters into a network, by a file in the MXNet original's layout."""
    mx.nd.save(str(path), arrays)
    net.initialize()
    assert load_parameters(str(path), net) == []


def assert_close(found, expected, what):
    """Elements differ by at most 1e-4 of the largest one."""
    found, expected = (array.asnumpy() if isinstance(array, mx.nd.NDArray) else np.asarray(array)
                       for array in (found, expected))
    assert found.shape == expected.shape, what
    largest = np.abs(expected).max()
    off = np.abs(found - expected).max()
    assert off <= 1e-4 * largest, f"{what}: off by {off:g} of {largest:g}"


@pytest.mark.parametrize("name", MODELS)
def test_parameters_go_over_and_back_without_loss(name, small, tmp_path):
    symbol = symbols.get_symbol(name, False, **small.options)
    arguments, _, auxiliary = symbol.infer_shape(**{key: np.shape(a) for key, a in small.feed(train=False).items()})
    names = ["arg:" + key for key in symbol.list_arguments()] + ["aux:" + key for key in symbol.list_auxiliary_states()]
    there = {key: mx.nd.random.normal(shape=shape) for key, shape in zip(names, arguments + auxiliary)
             if key[4:] not in INPUTS}
    net = gluon_model(name)
    load(net, there, tmp_path / "symbol.params")
    save_parameters(str(tmp_path / "gluon.params"), net)
    back = mx.nd.load(str(tmp_path / "gluon.params"))
    assert set(there) == set(back)
    for key, array in there.items():
        np.testing.assert_array_equal(array.asnumpy(), back[key].asnumpy(), err_msg=key)


def graph_stages(name, symbol, relu="inside", **_):
    """Nodes of a graph, by what they are; and the graph of their outputs."""
    nodes = dict(zip(("rpn map", "head map"), MAPS[name]))
    nodes.update({"rpn scores": "rpn_cls_score", "rpn boxes": "rpn_bbox_pred", "rois": "rois", "scores": "cls_prob"})
    if name == RFCN:
        nodes.update({"class maps": "rfcn_cls", "box maps": "rfcn_bbox", "pooled classes": "psroipooled_cls_rois",
                      "pooled boxes": "psroipooled_loc_rois", "boxes": "ave_bbox_pred_rois"})
    else:
        thin_map = "light_head" if relu == "inside" else "light_head_relu"
        nodes.update({"thin map": thin_map, "pooled": "roi_pool", "boxes": "bbox_pred"})
    internals = symbol.get_internals()
    return list(nodes), mx.sym.Group([internals[node + "_output"] for node in nodes.values()])


def gluon_stages(name, net, x, im_info, roi_pool="psroi_pool", **_):
    """The same of a network, block by block."""
    from light_head_rcnn import operators
    shape = dict(pooled_size=7, spatial_scale=1 / 16)
    rpn_map, head_map = net.features(x)
    scores, boxes = net.rpn(rpn_map)
    rois = net.rpn.propose(mx.nd, scores, boxes, im_info, pre_nms=6000, post_nms=16)[0]
    stages = {"rpn map": rpn_map, "head map": head_map, "rpn scores": scores, "rpn boxes": boxes, "rois": rois}
    if name == RFCN:
        maps = net.head(net.neck(head_map))
        stages["class maps"], stages["box maps"] = maps
        stages["pooled classes"], stages["pooled boxes"] = (
            operators.ps_roi_pool(mx.nd, part, rois, output_dim=values, **shape)
            for part, values in zip(maps, (len(NAMES) + 1, 8)))
    else:
        stages["thin map"] = net.neck(head_map)
        pool = operators.ps_roi_pool if roi_pool == "psroi_pool" else operators.ps_roi_align
        stages["pooled"] = pool(mx.nd, stages["thin map"], rois, output_dim=10, **shape)
    logits, stages["boxes"] = net.classify(mx.nd, head_map, rois)
    stages["scores"] = mx.nd.softmax(logits, axis=1)
    return stages


@pytest.mark.parametrize("name, options", [(name, {}) for name in MODELS] + [
    (SMALL, {"relu": "after_sum", "roi_pool": "psroi_align"})])
def test_every_stage_at_test(name, options, small, tmp_path):
    inputs = small.feed(train=False)
    stages, symbol = graph_stages(name, symbols.get_symbol(name, False, **small.options, **options), **options)
    executor = small.bind(symbol, inputs, grad_req="null")
    expected = dict(zip(stages, executor.forward()))
    net = gluon_model(name, **options)
    load(net, parameters(executor), tmp_path / "symbol.params")
    found = gluon_stages(name, net, *(mx.nd.array(inputs[key]) for key in ("data", "im_info")), **options)
    assert set(found) == set(expected)
    for stage, value in found.items():
        assert_close(value, expected[stage].reshape(value.shape), what=stage)
    assert expected["scores"].asnumpy().std() > 1e-3 and expected["boxes"].asnumpy().std() > 1e-3


def graph_losses(outputs, label, ohem, rpn_batch_size):
    """The losses and accuracies of `DetectorLosses`, from the outputs of a training graph."""
    rpn_prob, rpn_box, prob, box, kept = (output.asnumpy() for output in outputs)
    rpn_prob, kept, prob = rpn_prob.reshape(len(label), 2, -1), kept.ravel(), prob.reshape(kept.size, -1)
    picked = np.where(label == 1, rpn_prob[:, 1], rpn_prob[:, 0])[label >= 0]
    valid = kept >= 0
    chosen = prob[np.arange(len(kept)), kept.astype(int)][valid]
    images = len(label)
    return [-np.log(picked).mean(), rpn_box.sum() / rpn_batch_size / images, -np.log(chosen).mean(),
            box.sum() / ohem / images, (rpn_prob.argmax(1) == label)[label >= 0].mean(),
            (prob.argmax(1) == kept)[valid].mean()]


# With the statistics of batches as small as these, the last bit of a weight is percents of a gradient one step later,
# in the graph alone: only the first step can be compared.
@pytest.mark.parametrize("name, images, norm, steps, smaller, region", [
    *(pytest.param(name, 1, "frozen", 2, None, None, marks=pytest.mark.slow) for name in (LIGHT, RFCN)),
    (SMALL, 1, "frozen", 3, None, None),
    (SMALL, 2, "frozen", 3, None, None), (SMALL, 2, "frozen", 1, 0, None), (SMALL, 2, "batch", 1, None, None),
    (SMALL, 2, "frozen", 1, None, (0, 0, 60, 63))])
def test_losses_gradients_and_steps_of_sgd(name, images, norm, steps, smaller, region, small, tmp_path):
    symbol = symbols.get_symbol(name, images=images, norm=norm, **small.options)
    inputs = small.feed(images, smaller=smaller)
    if region is not None:
        rows = np.tile([*region, IGNORED_REGION], (images, 1, 1))
        inputs["gt_boxes"] = np.concatenate([inputs["gt_boxes"], rows], axis=1)
    executor = small.bind(symbol, inputs)
    net = gluon_model(name, norm=norm)
    load(net, parameters(executor), tmp_path / "symbol.params")
    graph = DetectorLosses(net, post_nms=16, rpn_batch_size=32, ohem=8)
    graph.hybridize()
    batch = [mx.nd.array(inputs[key]) for key in INPUTS]

    own = {key: p for key, p in net.collect_params().items() if p.grad_req != "null"}
    for key, parameter in own.items():
        parameter.wd_mult = 1.0 if key.endswith(("_weight", "_gamma")) else 0.0  # as MXNet's Module
    options = dict(learning_rate=0.002, momentum=0.9, wd=0.01)
    trainer = gluon.Trainer(own, "sgd", options, kvstore=None)
    trained = [key for key in symbol.list_arguments() if key not in INPUTS]
    assert set(trained) == set(own)
    updater = mx.optimizer.get_updater(
        mx.optimizer.create("sgd", sym=symbol, param_idx2name=dict(enumerate(trained)), **options))

    start = {key: array.asnumpy() for key, array in executor.arg_dict.items()}
    for step in range(steps):
        outputs = executor.forward(is_train=True)
        executor.backward()
        with autograd.record():
            metrics = graph(*batch)
            loss = sum(metrics[:4])
        loss.backward()
        np.testing.assert_allclose([float(m.asscalar()) for m in metrics],
                                   graph_losses(outputs, inputs["label"], ohem=8, rpn_batch_size=32), rtol=1e-4)
        for index, key in enumerate(trained):
            # Later a unit at the bend of its ReLU may have changed sides.
            if step == 0:
                assert_close(own[key].grad(), executor.grad_dict[key], what="gradient of " + key)
            updater(index, executor.grad_dict[key], executor.arg_dict[key])
        trainer.step(1)
    learned = net.collect_params()
    for key, array in parameters(executor).items():
        assert_close(learned[key[4:]].data(), array, what=key)
    # The steps were large beside the tolerance.
    assert np.abs(executor.arg_dict["conv_new_1_weight"].asnumpy() - start["conv_new_1_weight"]).max() > 1e-3 * np.abs(
        start["conv_new_1_weight"]).max()
