"""A graph trained as a Gluon block takes the very steps of MXNet's Module, which the MXNet original trains with."""
import logging

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.building.roi_loader import build_roi_loader
from light_head_rcnn.engine.symbolic.weights import split_weights
from light_head_rcnn.engine.training.objectives import GraphObjective
from light_head_rcnn.engine.training.schedule import build_optimizer, optimizer_options
from light_head_rcnn.engine.training.trainables import Start, graph_trainable
from light_head_rcnn.engine.training.trainer import Trainer

NAMES = ("data", "im_info", "gt_boxes", "label", "bbox_target", "bbox_weight")
RATE = 0.002


def make_module(objective, fixed, cfg, contexts, batch):
    """MXNet's Module of the same graph and parameters, bound for one size, as the MXNet original sets it up."""
    symbol, rates = objective.symbol, len(contexts)
    module = mx.mod.Module(symbol, NAMES[:3], NAMES[3:], logging.getLogger("module"), contexts,
                           fixed_param_names=fixed)
    shapes = [(name, array.shape) for name, array in zip(NAMES, batch)]
    module.bind(shapes[:3], shapes[3:])
    arguments, auxiliaries = split_weights(symbol, objective.parameters())
    module.init_params(arg_params=arguments, aux_params=auxiliaries)
    options = dict(optimizer_options(cfg), rescale_grad=1 / rates, learning_rate=RATE)
    module.init_optimizer("device", cfg.TRAIN.optimizer, options)
    return module


def module_step(module, batch):
    arrays = [mx.nd.array(array) for array in batch]
    module.forward(mx.io.DataBatch(arrays[:3], arrays[3:]), is_train=True)
    module.backward()
    outputs = [output.asnumpy() for output in module.get_outputs()]
    module.update()
    return outputs


# The reshapes of the saved graph fix the images of a device; Module joins the devices' outputs.
# Two devices that sample RoIs (without hard example mining) do so by a generator for each, Module by one for both.
@pytest.mark.parametrize("ohem, norm, fixed, optimizer, images, devices", [
    (True, "batch", (), "sgd", 2, 1), (False, "batch", (), "sgd", 2, 1), (True, "batch", (), "adam", 2, 1),
    (False, "frozen", ("conv1", "res2", "gamma", "beta"), "sgd", 1, 1), (True, "frozen", (), "sgd", 1, 2)])
def test_the_steps_of_a_graph_are_those_of_module(configure, ohem, norm, fixed, optimizer, images, devices):
    contexts = [mx.cpu(i) for i in range(devices)]
    cfg = configure("module", "network.NORM", norm, "network.FIXED_PARAMS", list(fixed), "TRAIN.optimizer", optimizer,
                    "TRAIN.BATCH_IMAGES", images, "TRAIN.ENABLE_OHEM", ohem, "TRAIN.BATCH_ROIS", -1 if ohem else 6)
    mx.random.seed(1)
    objective, loader, parameters = graph_trainable(
        cfg, build_dataset(cfg, "train"), Start(contexts, logging.getLogger("test")))
    assert isinstance(objective, GraphObjective)
    trainer = Trainer(objective, loader, build_optimizer(cfg, parameters), lambda step: RATE, contexts=contexts)
    batches = list(loader.epoch(0)) + list(loader.epoch(1))
    # One Module serves one size, and all batches here have it.
    assert len({(batch[0].shape, batch[2].shape) for batch in batches}) == 1
    assert len(batches) == 6 * 2 // images // devices
    held = [name for name in split_weights(objective.symbol, objective.parameters())[0]
            if any(word in name for word in fixed)]
    start = objective.parameters()
    module = make_module(objective, held, cfg, contexts, batches[0])
    for batch in batches[:3]:  # the losses of one case grow beyond all bounds then
        seed = (trainer.seed * 1000003 + trainer.step) % 2 ** 31
        mx.random.seed(seed)
        np.random.seed(seed)
        outputs = module_step(module, batch)
        metrics, _ = trainer.train_step(batch)
        found = {**module.get_params()[0], **module.get_params()[1]}
        own = objective.parameters()
        assert set(own) == set(found)
        for name, array in own.items():
            np.testing.assert_array_equal(array.asnumpy(), found[name].asnumpy(), err_msg=name)
        label = outputs[4].ravel()
        right = outputs[2].reshape(len(label), -1).argmax(axis=1) == label
        assert metrics["RCNNAcc"] == pytest.approx(right[label != -1].mean(), rel=1e-6)
    moved = [name for name, array in objective.parameters().items() if (array != start[name]).asnumpy().any()]
    assert not set(held) & set(moved)
    assert {"conv_new_1_weight", "rpn_cls_score_weight", "bbox_pred_weight"} <= set(moved)


def test_the_saved_graph_keeps_mxnets_pooling(configure):
    cfg = configure("saved")
    objective, _, _ = graph_trainable(cfg, build_dataset(cfg, "train"), Start([mx.cpu()], logging.getLogger("test")))
    assert '"op": "_contrib_PSROIPooling"' in objective.symbol.tojson()
    assert "ps_roi_pool" not in objective.symbol.tojson()


def test_rois_carry_the_number_of_their_image_on_the_device(configure):
    cfg = configure("rois")
    dataset = build_dataset(cfg, "train")
    boxes = np.array([[4, 4, 40, 40], [10, 2, 30, 60]], np.float32)
    loader = build_roi_loader(cfg, dataset, lambda record: boxes, 4, 2)
    objective, _, _ = graph_trainable(cfg, dataset, Start([mx.cpu()], logging.getLogger("test")), "rcnn", loader)
    given, objective.block = [], lambda *inputs: given.append(inputs) or []
    batch = next(iter(loader.epoch(0)))
    objective(*map(mx.nd.array, batch))
    found = given[0][1].asnumpy()
    assert len(given[0]) == 5 and found.shape == batch[3].shape and len(found) == 2
    np.testing.assert_array_equal(found[:, :, 0], [[0] * found.shape[1], [1] * found.shape[1]])
    np.testing.assert_array_equal(found[:, :, 1:], batch[3][:, :, 1:])


def test_moving_statistics_are_the_mean_over_the_devices(configure):
    cfg = configure("statistics")
    contexts = [mx.cpu(0), mx.cpu(1)]
    objective, _, _ = graph_trainable(cfg, build_dataset(cfg, "train"), Start(contexts, logging.getLogger("test")))
    statistic = objective.block.collect_params()["bn2a_branch2a_moving_var"]
    for array, value in zip(statistic.list_data(), (1, 4)):
        array[:] = value
    assert (objective.parameters()["bn2a_branch2a_moving_var"].asnumpy() == 2.5).all()
