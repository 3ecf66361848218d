"""Configurations and studies, and the files of a run that later commands read."""
import json
from pathlib import Path
from typing import Dict, List

from target import Target

_CFG = """SCALES: [64, 64]
network: {NORM: batch, FIXED_PARAMS: [], ANCHOR_RATIOS: [0.5, 1], ANCHOR_SCALES: &scales [1, 2]}
dataset:
  dataset: shapes
  image_set: train
  classes: [square, disc]
TRAIN: {lr: 0.001, lr_step: '4,5.5', end_epoch: 2, BATCH_IMAGES: 2, RPN_PRE_NMS_TOP_N: 50}
TEST: {NMS: 0.3, test_epoch: 0}
gpus: '0'
"""
_CFG_2 = "_BASE_: shapes_s\nTRAIN:\n  warmup: false\n  lr: 5e-4\ndataset:\n  ON_ERROR: {image_missing: error}\n"


def _configurations() -> List[bytes]:
    return [_CFG.encode(), _CFG_2.encode()]


def _read_configuration(folder: Path) -> object:
    from light_head_rcnn.engine.config import load_config
    return load_config(folder / "cfg.yaml")


def _studies() -> List[bytes]:
    import light_head_rcnn
    folder = Path(light_head_rcnn.__file__).parent / "experiments" / "studies"
    return [(folder / name).read_bytes() for name in ("photographs.yaml", "options.yaml", "fast_rcnn_layers.yaml")]


def _read_study(folder: Path) -> object:
    from light_head_rcnn.experiments.studies.study import read_study
    return read_study(str(folder / "study.yaml"))


def _scalars() -> List[bytes]:
    return [b'{"step": 1, "loss": 2.5, "lr": 0.1}\n{"step": 2, "loss": null}\n{"step": 2, "epoch": 1}\n']


def _read_scalars(folder: Path) -> object:
    from light_head_rcnn.engine.reporting.scalars import read_scalars
    return read_scalars(folder / "losses.jsonl")


def _results() -> List[bytes]:
    return [json.dumps([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 9, 9], "score": 0.5},
                        {"image_id": 2, "category_id": 2, "bbox": [1, 2, 9, 9], "score": 1}]).encode()]


def _prepare_results(folder: Path) -> None:
    from light_head_rcnn import data
    data.write_shapes(folder / "set", train=2, val=2)


def _read_results(folder: Path) -> object:
    from light_head_rcnn import data
    from light_head_rcnn.engine.evaluation.result_files import read_results
    return read_results(folder / "results.json", data.load_dataset("coco", str(folder / "set"), "train"))


TARGETS: Dict[str, Target] = {
    "configuration": Target("cfg.yaml", _configurations, _read_configuration),
    "study": Target("study.yaml", _studies, _read_study),
    "losses": Target("losses.jsonl", _scalars, _read_scalars),
    "results": Target("results.json", _results, _read_results, _prepare_results),
}
