"""How long the trainings of a plan will take, from a few steps of each row."""
import os
import time

import mxnet as mx
import numpy as np

from ...errors import UsageError
from ...engine.building import build
from ...engine.reporting.logger import open_logger
from ...engine.training import trainer
from ...engine.config import load_config, with_values

WARM_UP, STEPS = 2, 4
# Of one process: its imports and the data set.
START_SECONDS = 8.0


def measure(run, folder):
    """Seconds that a run will take, by timing a few of its training steps; a test costs half a step an image's share.

    Args:
        run: scales.Run; one that only tests costs no training.
        folder: Path for its configuration while it is timed.
    """
    path = folder / "budget.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(run.text, encoding="utf-8")
    cfg = with_values(load_config(path), {"output_path": os.devnull, "TRAIN.NUM_WORKERS": 0})
    path.unlink()
    training = trainer.EndToEndTrainer(cfg, [mx.cpu()], open_logger())
    seconds = float(np.median([wall for wall, _ in training.time_steps(WARM_UP + STEPS)][WARM_UP:]))
    images = len(build.build_dataset(cfg, cfg.dataset.test_image_set).records)
    passes = max(len(cfg.TEST.SCALES), 1) * (2 if cfg.TEST.FLIP else 1)
    testing = passes * images * seconds / cfg.TRAIN.BATCH_IMAGES / 2
    return START_SECONDS + testing + (training.total * seconds if run.weights == run.key else 0)


def budget(runs, state, folder, hours, tell):
    """Prints what the runs that are left will take, and refuses more than `hours`.

    One run of each row is timed; other seeds take as long.

    Args:
        tell: takes lines of text.

    Raises UsageError where it is too much.
    """
    left = [run for run in runs if state.get(run.key) is None]
    if not left:
        return
    seconds, began = {}, time.time()
    for run in left:
        if run.row not in seconds:
            seconds[run.row] = measure(run, folder)
    total = sum(seconds[run.row] for run in left)
    for row, each in seconds.items():
        tell("%-24s %3d runs of %6.1f min" % (row, sum(run.row == row for run in left), each / 60))
    tell("%d of %d runs are left: about %.0f min one after the other (measured in %.0f s)"
         % (len(left), len(runs), total / 60, time.time() - began))
    if total > hours * 3600:
        raise UsageError("that is more than --hours %g allows: raise it, or take fewer seeds (--seeds), one table "
                           "(--table), or fewer epochs (TRAIN.end_epoch N TRAIN.lr_step N)" % hours)
