"""Trainings of classifiers in small: they learn, go on as if unbroken, and their files start detectors."""
import json
import logging
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data.classification import read_image_folder
from light_head_rcnn.engine.building.initialization import initialize
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.building.pretrained import read_pretrained
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.training.classification import run
from light_head_rcnn.engine.training.classification.recipe import Recipe
from light_head_rcnn.engine.training.classification.run import ClassifierRun, Place
from light_head_rcnn.engine.training.hook import Hook
from light_head_rcnn.errors import TrainingError, UsageError

CPU = (mx.cpu(),)
LOGGER = logging.getLogger("test")
RECIPE = Recipe(side=32, epochs=3, batch_size=8, lr=0.8, warmup_epochs=0.5, least_area=0.5, color_jitter=0.2)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Reddish and bluish noise, 24 images of each to train on and 6 to test on."""
    root, rng = tmp_path_factory.mktemp("colours"), np.random.RandomState(0)
    for name, count in (("train", 24), ("val", 6)):
        for channel, colour in ((0, "red"), (2, "blue")):
            (root / name / colour).mkdir(parents=True)
            for index in range(count):
                pixels = rng.randint(0, 160, (36, 40, 3))
                pixels[..., channel] += 90
                Image.fromarray(pixels.astype(np.uint8)).save(root / name / colour / f"{index}.png")
    return [read_image_folder(str(root / name)) for name in ("train", "val")]


def start(sets, folder, recipe=RECIPE, resume=False, contexts=CPU, **place):
    return ClassifierRun("xception", *sets, recipe, Place(str(folder), contexts, **place), LOGGER, resume)


def losses(folder):
    return [line["loss"] for line in map(json.loads, (folder / "losses.jsonl").read_text().splitlines())
            if "loss" in line]


class Stop(Hook):
    def __init__(self, step):
        self._step = step

    def after_step(self, trainer, report):
        if report.step == self._step:
            trainer.stop("enough")


@pytest.fixture(scope="module")
def trained(sets, tmp_path_factory):
    """The folder of a whole training, and its last test."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, start(sets, folder).run()


def test_it_learns_and_writes_its_result(trained):
    folder, test = trained
    result = json.loads((folder / "result.json").read_text())
    assert test.top1 >= 0.9 and test.images == 12 and result["last"]["top1"] == test.top1
    assert result["best"]["top1"] >= test.top1 and Path(result["file"]) == folder / "xception-best.params"
    assert result["classes"] == ["blue", "red"] and result["recipe"]["side"] == 32 and not result["unread"]
    assert (folder / "losses.png").is_file() and len(losses(folder)) == 18
    assert sorted(path.name for path in folder.glob("*.params")) == [
        "xception-0002.params", "xception-0003.params", "xception-best.params"]


def test_it_goes_on_as_if_unbroken(sets, trained, tmp_path):
    first = start(sets, tmp_path)
    hooks = first._hooks(False)
    first.trainer.hooks = [*hooks, Stop(8)]
    first.trainer.run()  # ends in the second epoch
    second = start(sets, tmp_path, resume=True)
    assert second.trainer.step == 8
    second.run()
    np.testing.assert_array_equal(losses(tmp_path), losses(trained[0]))
    assert second.test.top1 == trained[1].top1
    third = start(sets, tmp_path, resume=True)
    assert third.run().top1 == second.test.top1 and len(losses(tmp_path)) == 18


def test_two_devices_share_a_batch(sets, tmp_path):
    recipe = Recipe(**{**RECIPE.as_dict(), "epochs": 1})
    run = start(sets, tmp_path, recipe, contexts=(mx.cpu(0), mx.cpu(1)))
    assert np.isfinite(run.run().top1)
    values = run.net.collect_params()["res3b1_branch2b_weight"].list_data()
    np.testing.assert_array_equal(values[0].asnumpy(), values[1].asnumpy())
    with pytest.raises(UsageError, match="--batch-size is 9; the 2 devices"):
        start(sets, tmp_path / "b", Recipe(side=32, batch_size=9), contexts=(mx.cpu(0), mx.cpu(1)))


def test_earlier_runs_are_not_overwritten_and_must_fit(sets, trained):
    with pytest.raises(TrainingError, match="there are checkpoints of an earlier run.*--resume.*--out"):
        start(sets, trained[0])
    with pytest.raises(TrainingError, match="(?s)trained otherwise:\n  --lr: 0.8 in the checkpoint, 0.4 now\n"):
        start(sets, trained[0], Recipe(**{**RECIPE.as_dict(), "lr": 0.4}), resume=True)
    fewer = [one._replace(images=one.images[1:]) for one in sets]
    with pytest.raises(TrainingError, match="images: 48 in the checkpoint, 47 now"):
        start(fewer, trained[0], resume=True)


def test_data_that_were_moved_are_gone_on_with_and_others_are_not(sets, trained, monkeypatch):
    def changed(one, **values):
        return one._replace(images=[one.images[0]._replace(**values), *one.images[1:]])

    moved = [one._replace(source="other/", images=[
        image._replace(path="other/" + image.path[len(one.source) + 1:]) for image in one.images]) for one in sets]
    assert start(moved, trained[0], resume=True).trainer.step == 18
    with pytest.raises(TrainingError, match="otherwise:\n  the set to train on, .*train: its files or their classes"):
        start([changed(sets[0], label=1), sets[1]], trained[0], resume=True)
    others = [sets[0], changed(sets[1], path=sets[1].source + "/blue/x.png")]
    with pytest.raises(TrainingError, match="otherwise:\n  the set to test on, .*val: its files or their classes"):
        start(others, trained[0], resume=True)
    read = run.read_checkpoint  # of an earlier version
    monkeypatch.setattr(run, "read_checkpoint", lambda base: {
        name: value for name, value in read(base).items() if name != "fingerprints"})
    assert start(others, trained[0], resume=True).trainer.step == 18


def test_its_file_starts_a_detector(trained):
    path = str(trained[0] / "xception-best.params")
    weights = read_pretrained(path)
    assert weights.model == "xception" and weights.settings["network.PIXEL_MEANS"] == [103.53, 116.28, 123.675]
    cfg = load_config(None, {"network.model": "light_head_rcnn_xception_coco", "network.pretrained": path})
    net = build_net(cfg, ["a", "b"])
    report = initialize(cfg, net, [mx.cpu()])
    for name, parameter in net.backbone.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), weights.arrays[name], err_msg=name)
    assert not report.problems and "left over  fc1000\n" in report.text
    assert "network.PIXEL_MEANS: [103.53, 116.28, 123.675] there, [103.06, 115.9, 123.15] here" in report.text


def test_a_broken_test_image_is_told(sets, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"x")
    test = sets[1]._replace(images=[*sets[1].images[:3], sets[1].images[0]._replace(path=str(broken))])
    run = start([sets[0], test], tmp_path / "out", Recipe(**{**RECIPE.as_dict(), "epochs": 1}))
    assert run.run().images == 3 and len(run.failures) == 1 and "broken.png" in run.failures[0]
