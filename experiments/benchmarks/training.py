"""Times the training steps of several configurations by turns."""
import logging
import os
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import mxnet as mx
from yacs.config import CfgNode

from ...engine.config import with_values
from ...engine.training.run import TrainingRun
from .timing import format_quartiles, quartiles, take_by_turns

HEADER = f"{'':32} {'ms a step (quartiles)':>22} {'processor ms':>22} {'images/s':>9} {'of first':>9}"


def time_configurations(cfgs: Dict[str, CfgNode], contexts: Sequence[mx.Context], logger: logging.Logger, steps: int,
                        warm_up: int, turn: int) -> List[Dict[str, Any]]:
    """Times training steps; no checkpoint is read or written.

    Args:
        cfgs: the configurations by name; one that sets `symbol` trains that symbolic graph.
        contexts: the devices; each takes `TRAIN.BATCH_IMAGES` images a step.
        logger: takes the messages of the trainings.
        steps: how many steps of each configuration are timed.
        warm_up: how many steps of each come before them.
        turn: how many steps of one configuration run before the next one's.

    Returns:
        One dict a configuration, in the order of `cfgs`: configuration (its name); step and processor (milliseconds of
        a step by the clock, and of all threads together, see `timing.quartiles`); images_per_second (from the median);
        of_first (the median of a step divided by that of the first configuration).
    """
    runs = {name: _timed_steps(cfg, contexts, logger, warm_up + steps) for name, cfg in cfgs.items()}
    times = take_by_turns(runs, warm_up + steps, turn)
    rows: List[Dict[str, Any]] = []
    for name, cfg in cfgs.items():
        step, processor = (quartiles([1000 * seconds for seconds in column]) for column in zip(*times[name][warm_up:]))
        rows.append({"configuration": name, "step": step, "processor": processor,
                     "images_per_second": 1000 * cfg.TRAIN.BATCH_IMAGES * len(contexts) / step["median"]})
    return [dict(row, of_first=row["step"]["median"] / rows[0]["step"]["median"]) for row in rows]


def format_row(row: Dict[str, Any]) -> str:
    """Returns the line of the table, under `HEADER`, for a row of `time_configurations`."""
    step, processor = (format_quartiles(row[key], 0) for key in ("step", "processor"))
    return (f"{row['configuration']:32} {step:>22} {processor:>22} {row['images_per_second']:>9.2f} "
            f"{row['of_first']:>9.3f}")


def _timed_steps(cfg: CfgNode, contexts: Sequence[mx.Context], logger: logging.Logger,
                 steps: int) -> Iterator[Tuple[float, float]]:
    # Nothing can be in that folder, and nothing can be written to it.
    cfg = with_values(cfg, {"output_path": os.devnull, "TRAIN.NUM_WORKERS": 0})
    return TrainingRun(cfg, contexts, logger).trainer.time_steps(steps)
