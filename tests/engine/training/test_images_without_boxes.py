"""Training on images without boxes, on images that are one ignored region, and on strips narrower than a cell."""
import json
import logging
from pathlib import Path
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.data.assembling.faults import FaultLog, FaultPolicy
from light_head_rcnn.engine.training.run import TrainingRun

Object = data.Annotation
# Height, width, objects, regions of which nothing is known.
IMAGES = {
    "wide strip": (5, 900, [Object((100, 0, 400, 4), 0), Object((500, 1, 700, 3), 1)], []),
    "tall strip": (900, 5, [Object((0, 100, 4, 400), 0)], []),
    "one pixel": (1, 1, [Object((0, 0, 0, 0), 1)], []),
    "empty": (60, 80, [], []),
    "a crowd": (60, 80, [Object((0, 0, 79, 59), 1, crowd=True)], []),
    "a region": (60, 80, [], [(0, 0, 79, 59)]),
    "an object in a crowd": (60, 80, [Object((5, 5, 30, 40), 0), Object((0, 0, 79, 59), 1, crowd=True)], []),
}
GLUON, NUMPY, NATIVE = ["symbol", ""], ["TRAIN.CXX_PROPOSAL", False], ["TRAIN.CXX_PROPOSAL", "native"]
SAMPLE = ["TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 8]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder, records = tmp_path_factory.mktemp("images"), []
    for name, (height, width, objects, regions) in IMAGES.items():
        path = str(folder / f"{name}.png")
        pixels = np.random.RandomState(len(records)).randint(0, 256, (height, width, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        records.append(data.make_record(name, path, width, height, objects, regions))
    return SimpleNamespace(records=records, classes=("a", "b"), name="strips", path=str(folder), notes=[],
                           summary=lambda: "strips", report=lambda: {}, log=FaultLog(FaultPolicy()))


@pytest.mark.parametrize("options, images", [
    *(pytest.param(options, 1, marks=pytest.mark.slow) for options in (GLUON, GLUON + SAMPLE)), ([], 1), (SAMPLE, 2),
    (NUMPY + SAMPLE, 1), (NATIVE, 1)])
def test_losses_stay_finite(configure, dataset, options, images):
    cfg = configure(f"run{options}{images}", *options, "TRAIN.BATCH_IMAGES", images, "TRAIN.USE_EMPTY_IMAGES", True,
                    "TRAIN.end_epoch", 1, "TRAIN.lr", 0.0001)
    trained = TrainingRun(cfg, [mx.cpu()], logging.getLogger("test"), dataset=dataset)
    trained.run()
    lines = [json.loads(line) for line in (Path(cfg.output_path) / "losses.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) >= (len(IMAGES) if images == 1 else 4)
    assert np.isfinite(losses).all() and max(losses) > 0
    if images == 1:
        # Nothing is learnt from an image of which nothing is known.
        assert losses.count(0) == 2
    for parameter in trained.trainer.objective.detector().collect_params().values():
        assert np.isfinite(parameter.data().asnumpy()).all()
