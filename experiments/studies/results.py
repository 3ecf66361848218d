"""The figures of a finished run, from the files that its training wrote."""
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import mxnet as mx
import numpy as np

from ... import __version__
from ...engine.checkpoints.checkpoint_files import read_checkpoint
from ...engine.checkpoints.choosing import best_checkpoint, latest_checkpoint
from ...engine.config import checkpoint_prefix, load_config
from ...engine.evaluation.run import SPEED_FILE
from ...engine.reporting.scalars import read_scalars
from ...engine.training.hooks import LOSSES_FILE
from ...gluon_models.weights.mxnet_files import load_arrays
from ..benchmarks.machine import describe_machine
from ..runs.kept_checkpoints import last_checkpoint_of_run
from ..runs.usage import total_usage
from .planning import Run
from .proposals import average_recall_of
from .study import TEST, TRAIN

USAGE = "usage.json"
# Folders of the tests of both checkpoints, where a set of its own chooses the best one.
LAST_TEST, BEST_TEST = "test_last", "test_best"
TEST_FOLDER = "test"
FIGURES = ("AP", "AP50", "AP75")


def collect_result(run: Run) -> Dict[str, Any]:
    """Collects what is kept of a finished run.

    Returns:
        last and best, the figures of the last checkpoint and of the best one ({"AP", "AP50", "AP75", "per_class"
        (AP50 by class), "epoch"}; None for best where no test chose one), in percent; epochs; seconds,
        processor_seconds, load and attempts, see `usage.total_usage`; images_per_second, the median over the training
        steps; test_images_per_second, of the last test, in one process; average_recall of the proposals from outside in
        percent; None where there is no such figure; parameters, how many; seed, configuration (text), overrides,
        versions, machine and date.
    """
    cfg = load_config(run.file)
    prefix = checkpoint_prefix(cfg)
    last, best = (last_of_source(run), None) if run.kind == TEST else (latest_checkpoint(prefix),
                                                                        best_checkpoint(prefix))
    metric = cfg.TRAIN.BEST_METRIC
    epoch, best_epoch = (read_checkpoint(one)["epoch"] if one else None for one in (last, best))
    between = TEST_FOLDER if best_epoch == epoch else f"test-epoch-{best_epoch or 0:04d}"
    last_test = run.folder / (LAST_TEST if run.test_on and run.kind == TRAIN else TEST_FOLDER)
    figures = _figures(last_test, epoch)
    best_figures = _figures(run.folder / (BEST_TEST if run.test_on else between), best_epoch) if best else None
    if best_figures and not run.test_on and (figures[metric] or 0) > (best_figures[metric] or 0):
        # A training that was stopped in its last test chose the best checkpoint without that test.
        best_figures = figures
    speeds = [line["images_per_second"] for line in _lines(run.folder / LOSSES_FILE) if line.get("images_per_second")]
    machine = describe_machine()
    return {"last": figures, "best": best_figures, "epochs": epoch, **total_usage(run.folder / USAGE),
            "images_per_second": statistics.median(speeds) if speeds else None,
            "test_images_per_second": _test_speed(last_test), "average_recall": average_recall_of(cfg),
            "parameters": count_parameters(last + ".params"), "seed": run.seed, "configuration": run.text,
            "overrides": list(run.overrides),
            "versions": {"light_head_rcnn": __version__, "mxnet": mx.__version__, "numpy": np.__version__,
                         "python": platform.python_version()},
            "machine": machine, "date": time.strftime("%Y-%m-%d")}


def last_of_source(run: Run) -> str:
    """Returns the last checkpoint of the run that this one begins with, PREFIX-TAG.

    Raises:
        UsageError: there is none any more.
    """
    return last_checkpoint_of_run(run.source_file, str(run.source), "the study's state.json")


def count_parameters(path: str) -> int:
    """Returns how many numbers the parameters in a file are, the running statistics not among them."""
    return sum(array.size for name, array in load_arrays(path).items() if not name.startswith("aux:"))


def _lines(path: Path) -> List[Dict[str, Any]]:
    """Returns the lines that a training has written; none where nothing was trained."""
    return read_scalars(path) if path.is_file() else []


def _test_speed(folder: Path) -> Optional[float]:
    path = folder / SPEED_FILE
    return json.loads(path.read_text(encoding="utf-8"))["images_per_second"] if path.is_file() else None


def _figures(folder: Path, epoch: Optional[int]) -> Dict[str, Any]:
    """Returns the figures of a test in percent."""
    coco = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["coco"]
    per_class = {name: _percent(entry["AP50"]) for name, entry in coco["per_class"].items()}
    return dict({name: _percent(coco[name]) for name in FIGURES}, per_class=per_class, epoch=epoch)


def _percent(value: Optional[float]) -> Optional[float]:
    return None if value is None else 100 * value
