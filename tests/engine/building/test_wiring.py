"""Every configuration key reaches what it is meant for: here data sets, batches, the network, its losses, and graphs.

Each row sets one key off its default and looks at the argument that an object is made with. The objects themselves are
replaced by recorders of their arguments (`record`), so that nothing is trained here. The keys of trainings have their
rows in tests/engine/training/test_wiring.py.
"""
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import pytest

from light_head_rcnn import data, gluon_models, symbols
from light_head_rcnn.engine.building import datasets, loaders, network, pretrained, proposals
from light_head_rcnn.engine.config import KEYS, load_config
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.loading import load_network
from light_head_rcnn.engine.symbolic import graphs
from light_head_rcnn.errors import CheckpointError, ConfigError

TESTS = Path(__file__).parents[2]
CLASSES = ("a", "b")
FAST = {"network.model": "fast_rcnn_xception_coco", "dataset.proposal": "file", "TRAIN.ENABLE_OHEM": False,
        "TRAIN.BATCH_ROIS": 64}
GIVEN = {**FAST, "dataset.proposal_files": ["a.npz"]}
# What a light head on a ResNet, a pyramid, and a symbolic graph have.
LIGHT, PYRAMID, GRAPH = ({"network.model": "light_head_rcnn_resnet101_v1_coco"},
                         {"network.model": "light_head_rcnn_fpn_resnet101_v1_coco"},
                         {"symbol": "resnet_v1_101_rfcn_light"})


def of_network(cfg, record):
    """Arguments of the Gluon model."""
    recorder = record(gluon_models, "get_model", SimpleNamespace(head=None))
    ranks = record(network, "split_dense_layers")
    network.build_net(cfg, CLASSES)
    return {**recorder.arguments, "ranks": ranks.arguments.get("ranks")}


def of_losses(cfg, record):
    """Arguments of the losses on top of the Gluon model."""
    recorder = record(gluon_models, "DetectorLosses")
    network.build_losses(cfg, SimpleNamespace(needs_proposals=False))
    return recorder.arguments


def of_training_batches(cfg, record):
    """Arguments of the RPN's targets, the sampler and the loader."""
    records = [data.make_record(0, "a.png", 10, 10, [data.Annotation((0, 0, 5, 5), 0)])]
    recorders = [record(loaders, "AnchorTargets"), record(data, "TrainSampler"), record(data, "TrainLoader")]
    loaders.build_train_loader(cfg, None, SimpleNamespace(records=records, log=None), 2)
    targets, sampler, loader = (recorder.arguments for recorder in recorders)
    return {**targets, **{f"sampler.{name}": value for name, value in sampler.items()},
            **{f"loader.{name}": value for name, value in loader.items()}}


def of_test_batches(cfg, record):
    """Arguments of the loader of test batches."""
    recorder = record(data, "TestLoader")
    loaders.build_test_loader(cfg, SimpleNamespace(records=[None] * 32), devices=2)
    return recorder.arguments


def of_detector(cfg, record):
    """What prepares images for a network at test, and whether they are mirrored."""
    detector = Detector.of(cfg, SimpleNamespace(classes=CLASSES, needs_proposals=True, stride=16))
    rois = {name: value for name, value in detector.rois._asdict().items() if name != "stride"}
    return dict(detector.preparation._asdict(), flip=detector.flip, max_megapixels=detector.max_megapixels, **rois)


def of_dataset(cfg, record):
    """Arguments of the data set to test on and, with "train." before them, of that to train on."""
    found = {}
    for prefix, build in (("train.", lambda: datasets.build_dataset(cfg, cfg.dataset.image_set)),
                          ("", lambda: datasets.build_test_set(cfg, CLASSES))):
        recorder = record(data, "load_dataset", SimpleNamespace(classes=CLASSES, unread={}))
        build()
        found.update({prefix + name: value for name, value in recorder.arguments.items()})
    return found


def of_proposals(cfg, record):
    """Arguments of the reader of proposals for training and, with "test." before them, for tests."""
    found = {}
    for prefix, limit in (("", cfg.TRAIN.PROPOSALS), ("test.", cfg.TEST.PROPOSALS)):
        recorder = record(proposals, "load_proposals", SimpleNamespace(missing=lambda records: []))
        proposals.build_proposals(cfg, SimpleNamespace(records=[]), limit)
        found.update({prefix + name: value for name, value in recorder.arguments.items()})
    return found


def of_graph(cfg, record, part="end2end"):
    """Options of the symbolic graph of a training."""
    recorder = record(symbols, {"end2end": "get_symbol", "rpn": "get_symbol_rpn", "rcnn": "get_symbol_rcnn"}[part])
    graphs.training_graph(cfg, 3, part)
    return recorder.arguments


def of_test_graph(cfg, record):
    """Options of the symbolic graph of tests."""
    recorder = record(symbols, "get_symbol")
    graphs.test_graph(cfg, 3)
    return recorder.arguments


def of_proposal_graph(cfg, record):
    """Options of the symbolic graph that proposes RoIs for the next stage of alternate training."""
    recorder = record(symbols, "get_symbol_rpn")
    graphs.proposal_graph(cfg, 3)
    return recorder.arguments


# Rows: key, a value off its default, what is looked at, the argument, what it must be, and other keys that are needed.
ROWS = [
    # The Gluon model.
    ("network.model", "rfcn_resnet50_v1_voc", of_network, "name", "rfcn_resnet50_v1_voc", {}),
    ("network.NORM", "batch", of_network, "norm", "batch", {}),
    ("CLASS_AGNOSTIC", False, of_network, "class_agnostic", False, {}),
    ("network.ANCHOR_RATIOS", [0.5, 3], of_network, "anchor_ratios", (0.5, 3), {}),
    ("network.ANCHOR_SCALES", [1, 3], of_network, "anchor_scales", (1, 3), {}),
    ("TRAIN.BBOX_MEANS", [0, 0, 0, 1], of_network, "box_means", (0, 0, 0, 1), {}),
    ("TRAIN.BBOX_STDS", [1, 1, 1, 2], of_network, "box_stds", (1, 1, 1, 2), {}),
    ("TEST.RPN_PRE_NMS_TOP_N", 11, of_network, "pre_nms", 11, {}),
    ("TEST.RPN_POST_NMS_TOP_N", 12, of_network, "post_nms", 12, {}),
    ("TEST.RPN_NMS_THRESH", 0.6, of_network, "rpn_nms", 0.6, {}),
    ("TEST.RPN_MIN_SIZE", 3, of_network, "rpn_min_size", 3, {}),
    ("TEST.THRESH", 0.2, of_network, "score_threshold", 0.2, {}),
    ("TEST.NMS", 0.45, of_network, "nms", 0.45, {}),
    ("TEST.BOX_REGRESSION", False, of_network, "box_regression", False, {}),
    ("TEST.max_per_image", 7, of_network, "max_per_image", 7, {}),
    ("TEST.USE_SOFTNMS", True, of_network, "soft_nms", "gaussian", {}),
    ("TEST.SOFTNMS_THRESH", 0.4, of_network, "soft_nms_sigma", 0.4, {}),
    ("network.STRIDE_IN_1X1", False, of_network, "stride_in_1x1", False, LIGHT),
    ("network.PADDED_POOL", True, of_network, "padded_pool", True, LIGHT),
    ("network.RPN_ALL_CELLS", True, of_network, "all_cells", True, {}),
    ("network.OUTPUTS", ["layer3", "layer3"], of_network, "outputs", ("layer3", "layer3"), LIGHT),
    ("network.LIGHT_HEAD_RELU", "after_sum", of_network, "relu", "after_sum", LIGHT),
    ("network.NECK", "pointwise", of_network, "neck", "pointwise", LIGHT),
    ("network.ROI_POOL", "psroi_align", of_network, "roi_pool", "psroi_align", LIGHT),
    ("network.HIDDEN_UNITS", 5, of_network, "hidden", 5, LIGHT),
    ("network.FPN_CANONICAL_SIDE", 56, of_network, "canonical_side", 56, PYRAMID),
    ("network.POOL_LEVELS", [4, 2], of_network, "pool_levels", (4, 2), FAST),
    ("network.HEAD_UNITS", [8, 9], of_network, "hidden", (8, 9), FAST),
    ("network.DROPOUT", 0.25, of_network, "dropout", 0.25, FAST),
    ("network.HEAD_RANKS", "fc6=3", of_network, "ranks", {"fc6": 3}, FAST),
    ("network.CLASS_SCORES", "one_vs_rest", of_network, "class_scores", "one_vs_rest", FAST),
    # Its losses.
    ("TRAIN.RPN_PRE_NMS_TOP_N", 411, of_losses, "pre_nms", 411, {}),
    ("TRAIN.RPN_POST_NMS_TOP_N", 312, of_losses, "post_nms", 312, {}),
    ("TRAIN.RPN_NMS_THRESH", 0.6, of_losses, "rpn_nms", 0.6, {}),
    ("TRAIN.RPN_MIN_SIZE", 3, of_losses, "rpn_min_size", 3, {}),
    ("TRAIN.RPN_BATCH_SIZE", 32, of_losses, "rpn_batch_size", 32, {}),
    ("TRAIN.ENABLE_OHEM", False, of_losses, "ohem", 0, {"TRAIN.BATCH_ROIS": 32}),
    ("TRAIN.BATCH_ROIS_OHEM", 64, of_losses, "ohem", 64, {}),
    ("TRAIN.BATCH_ROIS", 32, of_losses, "roi_batch_size", 32, {}),
    ("TRAIN.FG_FRACTION", 0.5, of_losses, "fg_fraction", 0.5, {}),
    ("TRAIN.FG_THRESH", 0.6, of_losses, "fg_iou", 0.6, {}),
    ("TRAIN.BG_THRESH_HI", 0.4, of_losses, "bg_iou_high", 0.4, {}),
    ("TRAIN.BG_THRESH_LO", 0.1, of_losses, "bg_iou_low", 0.1, {}),
    ("TRAIN.BBOX_LOSS_WEIGHT", 2, of_losses, "box_loss_weight", 2, {}),
    # Training batches.
    ("network.ANCHOR_RATIOS", [0.5, 3], of_training_batches, "ratios", (0.5, 3), {}),
    ("network.ANCHOR_SCALES", [1, 3], of_training_batches, "scales", (1, 3), {}),
    ("TRAIN.RPN_BATCH_SIZE", 32, of_training_batches, "batch_size", 32, {}),
    ("TRAIN.RPN_FG_FRACTION", 0.25, of_training_batches, "positive_fraction", 0.25, {}),
    ("TRAIN.RPN_POSITIVE_OVERLAP", 0.6, of_training_batches, "positive_iou", 0.6, {}),
    ("TRAIN.RPN_NEGATIVE_OVERLAP", 0.2, of_training_batches, "negative_iou", 0.2, {}),
    ("TRAIN.RPN_CLOBBER_POSITIVES", True, of_training_batches, "clobber_positives", True, {}),
    ("SCALES", [[64, 96], [32, 48]], of_training_batches, "sampler.scales", ((64, 96), (32, 48)), {}),
    ("TRAIN.SCALES", [[64, 96]], of_training_batches, "sampler.scales", ((64, 96),), {}),
    ("TRAIN.FLIP", False, of_training_batches, "sampler.flip", False, {}),
    ("TRAIN.PHOTOMETRIC", 0.5, of_training_batches, "loader.photometric", 0.5, {}),
    ("TRAIN.RANDOM_CROP", 0.5, of_training_batches, "loader.random_crop", 0.5, {}),
    ("TRAIN.SCALE_JITTER", [0.5, 2], of_training_batches, "sampler.scale_jitter", (0.5, 2.0), {}),
    ("TRAIN.PYRAMID", True, of_training_batches, "sampler.scale_per_image", True, {}),
    ("TRAIN.SHUFFLE", False, of_training_batches, "sampler.shuffle", False, {}),
    ("TRAIN.SHUFFLE_WINDOW", 32, of_training_batches, "sampler.shuffle_window", 32, {}),
    ("TRAIN.ASPECT_GROUPING", False, of_training_batches, "sampler.group_by_aspect", False, {}),
    ("seed", 3, of_training_batches, "sampler.seed", 3, {}),
    ("network.PIXEL_MEANS", [1, 2, 3], of_training_batches, "loader.mean", (3, 2, 1), {}),
    ("network.PIXEL_STDS", [1, 2, 3], of_training_batches, "loader.std", (3, 2, 1), {}),
    ("network.IMAGE_STRIDE", 64, of_training_batches, "loader.stride", 64, {}),
    ("network.IMAGE_STRIDE", 0, of_training_batches, "loader.stride", 1, {}),
    ("TRAIN.NUM_WORKERS", 5, of_training_batches, "loader.num_workers", 5, {}),
    ("TRAIN.WORKER_TIMEOUT", 7, of_training_batches, "loader.timeout", 7, {}),
    ("TRAIN.IGNORE_CROWD_AND_DIFFICULT", False, of_training_batches, "loader.ignore_crowd_and_difficult", False, {}),
    # Test batches, and single images.
    ("TEST.BATCH_IMAGES", 3, of_test_batches, "batch_size", 6, {}),
    ("network.PIXEL_MEANS", [1, 2, 3], of_test_batches, "mean", (3, 2, 1), {}),
    ("network.PIXEL_STDS", [1, 2, 3], of_test_batches, "std", (3, 2, 1), {}),
    ("network.IMAGE_STRIDE", 64, of_test_batches, "stride", 64, {}),
    ("SCALES", [64, 96], of_test_batches, "scales", ((64, 96),), {}),
    ("TEST.SCALES", [[64, 96], [32, 48]], of_test_batches, "scales", ((64, 96),), {}),
    ("TEST.NUM_WORKERS", 5, of_test_batches, "num_workers", 5, {}),
    ("SCALES", [[64, 96], [32, 48]], of_detector, "scales", ((64, 96),), {}),
    ("TEST_SCALES", [[64, 96], [32, 48]], of_detector, "scales", ((64, 96), (32, 48)), {}),
    ("TEST.SCALES", [[64, 96], [32, 48]], of_detector, "scales", ((64, 96), (32, 48)), {"TEST_SCALES": [[16, 24]]}),
    ("network.PIXEL_MEANS", [1, 2, 3], of_detector, "means", (3, 2, 1), {}),
    ("network.PIXEL_STDS", [1, 2, 3], of_detector, "stds", (3, 2, 1), {}),
    ("network.IMAGE_STRIDE", 0, of_detector, "stride", 1, {}),
    ("TEST.FLIP", True, of_detector, "flip", True, {}),
    ("TEST.PROPOSALS", 7, of_detector, "limit", 7, {}),
    ("TEST.PYRAMID", True, of_detector, "pyramid_side", 224, {}),
    ("TEST.PYRAMID_SIDE", 100, of_detector, "pyramid_side", 100, {"TEST.PYRAMID": True}),
    # Data sets.
    ("dataset.dataset", "PascalVOC", of_dataset, "name", "voc", {}),
    ("dataset.dataset_path", "/data", of_dataset, "path", "/data", {}),
    ("dataset.image_set", "one+two", of_dataset, "train.image_set", "one+two", {}),
    ("dataset.test_image_set", "three", of_dataset, "image_set", "three", {}),
    ("dataset.classes", CLASSES, of_dataset, "train.classes", CLASSES, {}),
    ("dataset.MAX_MEGAPIXELS", 200, of_detector, "max_megapixels", 200.0, {}),
    ("dataset.ON_ERROR", "skip", of_dataset, "on_error", "skip", {}),
    ("dataset.ON_ERROR", "box_inverted:error", of_dataset, "on_error", {"box_inverted": "error"}, {}),
    ("dataset.image_root", "photos", of_dataset, "image_root", "photos", {}),
    ("dataset.train", "a.json", of_dataset, "train.annotations", {"train": "a.json"}, {}),
    ("dataset.val", "b.json", of_dataset, "annotations", {"val": "b.json"}, {}),
    ("dataset.test", "c.json", of_dataset, "annotations", {"test": "c.json"}, {}),
    ("dataset.MAX_MEGAPIXELS", 7, of_dataset, "max_megapixels", 7, {}),
    ("dataset.proposal_files", ["a.npz", "b.mat"], of_proposals, "paths", ("a.npz", "b.mat"), GIVEN),
    ("TRAIN.PROPOSALS", 11, of_proposals, "max_per_image", 11, GIVEN),
    ("TEST.PROPOSALS", 12, of_proposals, "test.max_per_image", 12, GIVEN),
    # The symbolic graphs.
    ("symbol", "xception_rfcn_light", of_graph, "name", "xception_rfcn_light", GRAPH),
    ("CLASS_AGNOSTIC", False, of_graph, "class_agnostic", False, GRAPH),
    ("network.NORM", "batch", of_graph, "norm", "batch", GRAPH),
    ("network.STRIDE_IN_1X1", False, of_graph, "stride_in_1x1", False, GRAPH),
    ("network.LIGHT_HEAD_RELU", "after_sum", of_graph, "relu", "after_sum", GRAPH),
    ("network.ROI_POOL", "psroi_align", of_graph, "roi_pool", "psroi_align", GRAPH),
    ("network.ANCHOR_RATIOS", [0.5, 3], of_graph, "anchor_ratios", (0.5, 3), GRAPH),
    ("network.ANCHOR_SCALES", [1, 3], of_graph, "anchor_scales", (1, 3), GRAPH),
    ("TRAIN.LIGHT_HEAD_LR_MULT", 2, of_graph, "neck_lr_mult", 2, GRAPH),
    ("TRAIN.BATCH_IMAGES", 3, of_graph, "images", 3, GRAPH),
    ("TRAIN.CXX_PROPOSAL", "native", of_graph, "proposal_operator", "native", GRAPH),
    ("TRAIN.CXX_PROPOSAL", False, of_graph, "proposal_operator", "custom", GRAPH),
    ("TRAIN.RPN_PRE_NMS_TOP_N", 411, of_graph, "pre_nms", 411, GRAPH),
    ("TRAIN.RPN_POST_NMS_TOP_N", 312, of_graph, "post_nms", 312, GRAPH),
    ("TRAIN.RPN_NMS_THRESH", 0.6, of_graph, "rpn_nms", 0.6, GRAPH),
    ("TRAIN.RPN_MIN_SIZE", 3, of_graph, "rpn_min_size", 3, GRAPH),
    ("TRAIN.RPN_BATCH_SIZE", 32, of_graph, "rpn_batch_size", 32, GRAPH),
    ("TRAIN.ENABLE_OHEM", False, of_graph, "ohem", 0, {**GRAPH, "TRAIN.BATCH_ROIS": 32}),
    ("TRAIN.BATCH_ROIS_OHEM", 64, of_graph, "ohem", 64, GRAPH),
    ("TRAIN.BATCH_ROIS", 32, of_graph, "roi_batch_size", 32, GRAPH),
    ("TRAIN.FG_FRACTION", 0.5, of_graph, "fg_fraction", 0.5, GRAPH),
    ("TRAIN.FG_THRESH", 0.6, of_graph, "fg_iou", 0.6, GRAPH),
    ("TRAIN.BG_THRESH_HI", 0.4, of_graph, "bg_iou_high", 0.4, GRAPH),
    ("TRAIN.BG_THRESH_LO", 0.1, of_graph, "bg_iou_low", 0.1, GRAPH),
    ("TRAIN.BBOX_MEANS", [0, 0, 0, 1], of_graph, "box_means", (0, 0, 0, 1), GRAPH),
    ("TRAIN.BBOX_STDS", [1, 1, 1, 2], of_graph, "box_stds", (1, 1, 1, 2), GRAPH),
    ("TRAIN.BBOX_LOSS_WEIGHT", 2, of_graph, "box_loss_weight", 2, GRAPH),
    ("TEST.BATCH_IMAGES", 3, of_test_graph, "images", 3, GRAPH),
    ("TEST.CXX_PROPOSAL", "native", of_test_graph, "proposal_operator", "native", GRAPH),
    ("TEST.RPN_PRE_NMS_TOP_N", 411, of_test_graph, "pre_nms", 411, GRAPH),
    ("TEST.RPN_POST_NMS_TOP_N", 312, of_test_graph, "post_nms", 312, GRAPH),
    ("TEST.RPN_NMS_THRESH", 0.6, of_test_graph, "rpn_nms", 0.6, GRAPH),
    ("TEST.RPN_MIN_SIZE", 3, of_test_graph, "rpn_min_size", 3, GRAPH),
    ("TEST.PROPOSAL_PRE_NMS_TOP_N", 411, of_proposal_graph, "pre_nms", 411, GRAPH),
    ("TEST.PROPOSAL_POST_NMS_TOP_N", 312, of_proposal_graph, "post_nms", 312, GRAPH),
    ("TEST.PROPOSAL_NMS_THRESH", 0.6, of_proposal_graph, "rpn_nms", 0.6, GRAPH),
    ("TEST.PROPOSAL_MIN_SIZE", 3, of_proposal_graph, "rpn_min_size", 3, GRAPH),
]
# Keys whose effect is more than an argument, with the test that shows it.
ELSEWHERE = {
    "gpus": "test_devices",
    "network.pretrained": "test_the_file_of_pretrained_weights",
    "network.pretrained_epoch": "test_the_file_of_pretrained_weights",
    "network.RPN_FEAT_STRIDE": "test_strides_of_a_pyramid",
    "network.NUM_ANCHORS": "test_counts_are_filled_in",
    "dataset.NUM_CLASSES": "test_a_wrong_number_of_classes_is_refused",
    "TEST.test_epoch": "test_the_checkpoint_of_an_epoch",
    "TRAIN.USE_EMPTY_IMAGES": "test_images_without_boxes_are_trained_on_where_it_is_asked_for",
    "TRAIN.SHARE": "test_a_share_of_the_images",
    "TRAIN.RESUME": "test_resuming_is_asked_for",
    "TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": "test_a_configuration_gets_the_numbers",
    "TRAIN.BBOX_REGRESSION_THRESH": "test_a_configuration_gets_the_numbers",
    "TRAIN.END2END": "test_a_start_that_fails_leaves_nothing_behind",
}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{row[2].__name__}-{row[3]}" for row in ROWS])
def test_a_key_reaches_its_object(row, check_wiring):
    check_wiring(*row)


@pytest.mark.parametrize("look", [of_graph, of_test_graph, of_proposal_graph])
def test_graphs_have_the_classes_of_the_data_set(look, record):
    assert look(load_config(None, {**GRAPH, "dataset.NUM_CLASSES": 9}), record)["num_classes"] == 3


def test_the_file_of_pretrained_weights(tmp_path):
    for name in ("net-0000.params", "net-0003.params", "other.params"):
        (tmp_path / name).touch()
    for name, epoch, expected in (("net", 0, "net-0000.params"), ("net", 3, "net-0003.params"),
                                  ("other.params", 0, "other.params")):
        cfg = load_config(None, {"network.pretrained": str(tmp_path / name), "network.pretrained_epoch": epoch})
        assert pretrained.pretrained_file(cfg) == str(tmp_path / expected)


def test_the_checkpoint_of_an_epoch(tmp_path):
    cfg = load_config(None, {"output_path": str(tmp_path), "TRAIN.model_prefix": "x", "TEST.test_epoch": 7})
    with pytest.raises(CheckpointError, match=f"there is no checkpoint {tmp_path}/x-0007"):
        load_network(cfg, [mx.cpu()])


def test_a_wrong_number_of_classes_is_refused(monkeypatch):
    monkeypatch.setattr(data, "load_dataset", lambda *args, **kwargs: SimpleNamespace(classes=CLASSES))
    for number in (0, 3):
        assert datasets.build_dataset(load_config(None, {"dataset.NUM_CLASSES": number}), "train").classes == CLASSES
    with pytest.raises(ConfigError, match="dataset.NUM_CLASSES is 4"):
        datasets.build_dataset(load_config(None, {"dataset.NUM_CLASSES": 4}), "train")


def test_every_key_that_is_read_has_a_row():
    tests = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    of_training = runpy.run_path(str(TESTS / "engine" / "training" / "test_wiring.py"))["ROWS"]
    rows = {row[0] for row in [*ROWS, *of_training]}
    for key in KEYS.values():
        is_fixed = key.unread or key.implemented
        assert is_fixed or key.name in rows or key.name in ELSEWHERE, key.name
    for key, name in ELSEWHERE.items():
        assert key not in rows and re.search(rf"^def {name}\(", tests, re.MULTILINE), f"{key}: {name}"
