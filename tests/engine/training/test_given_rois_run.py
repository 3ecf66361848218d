"""Trainings of Fast R-CNN on proposals from files: resuming, devices, computed normalisation, tests, use."""
import logging

import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn as lh
from light_head_rcnn.data.proposals import names_of, write_proposals
from light_head_rcnn.engine.building.box_normalization import box_target_statistics
from light_head_rcnn.engine.building.datasets import build_dataset, training_records
from light_head_rcnn.engine.building.proposals import build_proposals
from light_head_rcnn.engine.checkpoints.checkpoint_files import read_checkpoint
from light_head_rcnn.engine.config import with_values
from light_head_rcnn.engine.inference.changed_networks import write_network
from light_head_rcnn.engine.inference.loading import load_network
from light_head_rcnn.engine.reporting.scalars import read_scalars
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.engine.training.svm_detector import with_machines
from light_head_rcnn.errors import ConfigError, DataError, TrainingError, UsageError

LOGGER = logging.getLogger("test")
PROPOSALS = 40


@pytest.fixture(scope="module")
def configure(configuring, shapes, tmp_path_factory, fast_rcnn_values):
    """As the others, with files of proposals for both sets: ground truths that are moved, and boxes anywhere."""
    folder = tmp_path_factory.mktemp("given")
    configure = configuring(folder, "")
    values = {**dict(zip(fast_rcnn_values[::2], fast_rcnn_values[1::2])), "TRAIN.BATCH_ROIS": 12,
              "TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": False, "TRAIN.BIAS_LR_MULT": 2,
              "dataset.proposal_files": f"[{folder / 'train.npz'}, {folder / 'val.npz'}]"}
    words = [word for pair in values.items() for word in pair]
    for image_set in ("train", "val"):
        records = build_dataset(configure("set"), image_set).records
        boxes = [proposals_of(record) for record in records]
        write_proposals(str(folder / f"{image_set}.npz"), names_of(records, shapes),
                        [(record.width, record.height) for record in records], [len(rows) for rows in boxes], boxes,
                        None, "test")
    return lambda run, *more: configure(run, *words, *more)


def proposals_of(record):
    rng = np.random.RandomState(int(str(record.image_id)[-3:]))
    moved = np.repeat(record.boxes, 5, axis=0)
    sides = np.tile(moved[:, 2:] - moved[:, :2] + 1, 2)
    moved = moved + rng.uniform(-0.3, 0.3, moved.shape) * sides
    corners = rng.uniform(0, 0.8, (PROPOSALS - len(moved), 2)) * [record.width, record.height]
    anywhere = np.concatenate([corners, corners + rng.uniform(5, 40, corners.shape)], axis=1)
    return np.clip(np.concatenate([moved, anywhere]), 0, [record.width - 1, record.height - 1] * 2).astype(np.float32)


def train(cfg, contexts=None, **options):
    training = TrainingRun(cfg, contexts or [mx.cpu()], LOGGER, **options)
    metrics = training.run()
    lines = [[line[name] for name in ("rcnn_cls", "rcnn_box", "rcnn_acc", "loss", "lr")]
             for line in read_scalars(cfg.output_path + "/losses.jsonl") if "loss" in line]
    return training, lines, metrics


@pytest.mark.parametrize("more", [(), ("network.DROPOUT", 0.3, "TRAIN.PYRAMID", True, "SCALES", "[[64, 64], [48, 64]]"),
                                  ("TRAIN.RANDOM_CROP", 0.5, "CLASS_AGNOSTIC", True)])
def test_resumed_run_continues_the_unbroken_one(configure, tmp_path, more):
    options = ("network.DROPOUT", 0, *more)
    whole, expected, _ = train(configure(f"whole{len(more)}", *options))
    assert len(expected) == 6 and np.isfinite(expected).all()
    train(configure(f"broken{len(more)}", "TRAIN.end_epoch", 1, *options))
    resumed, lines, _ = train(configure(f"broken{len(more)}", *options), resume=True)
    assert lines == expected
    found = resumed.net.collect_params()
    for name, parameter in whole.net.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), found[name].data().asnumpy())


def test_two_devices_share_a_batch(configure):
    training, lines, _ = train(configure("two", "network.DROPOUT", 0), [mx.cpu(0), mx.cpu(1)])
    assert len(training.trainer.loader) == 2 and np.isfinite(lines).all()
    for parameter in training.net.collect_params().values():
        one, other = (array.asnumpy() for array in parameter.list_data())
        if parameter.grad_req != "null":
            np.testing.assert_array_equal(one, other)


def test_a_step_on_two_devices_is_that_on_one(configure):
    """With as many images altogether, statistics of stored batches and full samples, the gradient is the same."""
    steps = {}
    for devices, images in ((1, 4), (2, 2)):
        cfg = configure(f"step{devices}", "network.DROPOUT", 0, "network.NORM", "frozen", "TRAIN.BATCH_IMAGES", images,
                        "TRAIN.BATCH_ROIS", 4, "TRAIN.BG_THRESH_LO", 0, "TRAIN.end_epoch", 1)
        _, lines, _ = train(cfg, [mx.cpu(number) for number in range(devices)])
        steps[devices] = lines
    np.testing.assert_allclose(steps[1], steps[2], rtol=1e-4)


def test_other_proposals_do_not_continue_a_run(configure, tmp_path):
    cfg = configure("other", "TRAIN.end_epoch", 1)
    train(cfg)
    moved = dict(np.load(cfg.dataset.proposal_files[0]))
    np.savez(tmp_path / "same.npz", **moved)
    np.savez(tmp_path / "other.npz", **dict(moved, boxes=moved["boxes"] * np.float32(0.9)))
    for name in ("same", "other"):
        again = with_values(cfg, {"dataset.proposal_files": [str(tmp_path / f"{name}.npz"),
                                                             cfg.dataset.proposal_files[1]]})
        if name == "same":
            assert TrainingRun(again, [mx.cpu()], LOGGER, resume=True).trainer.step == 3
            continue
        with pytest.raises(TrainingError, match="proposals: [0-9a-f]+ in the checkpoint, [0-9a-f]+ now"):
            TrainingRun(again, [mx.cpu()], LOGGER, resume=True)


def test_the_normalisation_is_computed_kept_and_used(configure, caplog):
    cfg = configure("numbers")
    with caplog.at_level(logging.INFO):
        training, _, _ = train(cfg)
    dataset = build_dataset(cfg, "train")
    given = build_proposals(cfg, dataset, 2000)
    means, stds, _ = box_target_statistics(training_records(cfg, dataset), given.of, mirrored=cfg.TRAIN.FLIP)
    assert training.net.box_means == means and training.net.box_stds == stds
    assert f"standard deviations {stds[0]:.4f}" in caplog.text
    base = cfg.output_path + "/light_head_rcnn-0002"
    saved = read_checkpoint(base)["config"]
    assert tuple(saved["TRAIN.BBOX_STDS"]) == stds and saved["TRAIN.BBOX_NORMALIZATION_PRECOMPUTED"] is False
    for cfg_given in (None, cfg):  # the checkpoint's own configuration, and the file that lacks the numbers
        net, _, _ = load_network(cfg_given, [mx.cpu()], base)
        assert net.box_stds == stds
    fixed = with_values(cfg, {"TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": True, "output_path": cfg.output_path + "x"})
    assert TrainingRun(fixed, [mx.cpu()], LOGGER).net.box_stds == (0.1, 0.1, 0.2, 0.2)
    with pytest.raises(TrainingError, match="TRAIN.BBOX_NORMALIZATION_PRECOMPUTED"):
        TrainingRun(with_values(fixed, {"output_path": cfg.output_path}), [mx.cpu()], LOGGER, resume=True)


def test_a_trained_detector_is_used(configure):
    cfg = configure("used", "TEST.THRESH", 0.01)
    train(cfg)
    detector = lh.load_detector(cfg.output_path)
    record = build_dataset(cfg, "val").records[0]
    ids, scores, boxes = detector(record.path, proposals=proposals_of(record))
    assert len(ids) and (boxes <= [record.width - 1, record.height - 1] * 2).all()
    metrics = lh.evaluate(detector, build_dataset(cfg, "val"),
                          proposals=build_proposals(cfg, build_dataset(cfg, "val"), 2000))
    assert 0 <= metrics["coco"]["AP"] <= 1


@pytest.mark.parametrize("values, error, fault", [
    ({"dataset.proposal_files": ()}, ConfigError, "names no file of proposals.*lhrcnn proposals"),
    ({"dataset.proposal_files": ("nowhere.npz",)}, DataError, "nowhere.npz"),
    ({"dataset.proposal": "rpn", "TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": True}, ConfigError,
     "dataset.proposal is 'rpn', but the model fast_rcnn_xception_coco finds no proposals itself"),
    ({"network.model": "light_head_rcnn_xception_coco", "network.POOL_LEVELS": (), "network.HEAD_UNITS": ()},
     ConfigError, "dataset.proposal is 'file', but the model light_head_rcnn_xception_coco finds its proposals itself"),
    ({"network.HIDDEN_UNITS": 8}, ConfigError, "network.HIDDEN_UNITS is 8, but the model .* does not use this key"),
    ({"network.HEAD_RANKS": "fc9=3"}, ConfigError, "network.HEAD_RANKS: the head has no hidden layer fc9")])
def test_what_does_not_fit_is_said(configure, values, error, fault):
    with pytest.raises(error, match=fault):
        TrainingRun(with_values(configure("wrong"), values), [mx.cpu()], LOGGER)


def test_an_image_without_proposals_ends_the_start_and_names_the_command(configure, tmp_path):
    cfg = configure("lacking")
    with_one = with_values(cfg, {"dataset.proposal_files": cfg.dataset.proposal_files[:1]})
    with pytest.raises(DataError, match="lhrcnn proposals"):
        TrainingRun(with_one, [mx.cpu()], LOGGER)


def test_support_vector_machines_take_the_place_of_the_class_layer(configure, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'light_head_rcnn[svm]'")
    cfg = configure("machines")
    train(cfg)
    dataset, path = build_dataset(cfg, "train"), cfg.output_path
    given, trained = build_proposals(cfg, dataset, 2000), load_network(None, [mx.cpu()], path)
    machines = with_machines(trained, dataset, given, mx.cpu(), LOGGER)
    base = write_network(machines.net, machines.cfg, str(tmp_path / "svm"), "svm")
    net, saved, _ = load_network(None, [mx.cpu()], base)
    assert saved.network.CLASS_SCORES == "one_vs_rest" and saved.output_path == str(tmp_path / "svm")
    record = build_dataset(cfg, "val").records[0]
    detector = lh.load_detector(path)
    (x, info, rois), = detector.inputs(record.path, proposals=proposals_of(record))[0]
    x, info, rois = map(mx.nd.array, (x, info, rois))
    scores, boxes, counts = net.candidates(mx.nd, x, info, rois)
    _, old_boxes, _ = trained.net.candidates(mx.nd, x, info, rois)
    np.testing.assert_allclose(boxes.asnumpy(), old_boxes.asnumpy(), atol=1e-3)
    count = int(counts.asscalar())
    pooled = net.pool(mx.nd, net.features(x)[1], mx.nd.concat(mx.nd.zeros((count, 1)), rois[0, :count], dim=1))
    margins = net.head.cls_score(net.head.hidden_values(mx.nd, pooled)).asnumpy()
    np.testing.assert_allclose(scores.asnumpy()[0, :count], 1 / (1 + np.exp(-margins)), atol=1e-5)
    with pytest.raises(UsageError, match="has support vector machines already"):
        with_machines(load_network(None, [mx.cpu()], base), dataset, given, mx.cpu(), LOGGER)
    with pytest.raises(ConfigError, match="CLASS_SCORES is one_vs_rest: a training learns softmax"):
        TrainingRun(with_values(cfg, {"network.CLASS_SCORES": "one_vs_rest", "output_path": str(tmp_path / "no")}),
                    [mx.cpu()], LOGGER)
    dataset.classes = ["other", *dataset.classes[1:]]
    with pytest.raises(UsageError, match="name them by dataset.classes"):
        with_machines(trained, dataset, given, mx.cpu(), LOGGER)
