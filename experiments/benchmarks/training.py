"""Times training steps of several configurations by turns."""
import os

from ...engine.config import with_values
from ...engine.training.symbol_trainer import SymbolTrainer
from ...engine.training.trainer import EndToEndTrainer
from .report import summary

HEADER = "{:32} {:>22} {:>22} {:>9} {:>9}".format("", "ms a step (quartiles)", "processor ms", "images/s", "of first")


def time_configurations(cfgs, contexts, logger, steps, warm_up, turn):
    """Times training steps, of which none leaves a checkpoint.

    Args:
        cfgs: configurations by name; those with a `symbol` train the graph.
        contexts: devices.
        logger: takes what trainers say.
        steps, warm_up: of each configuration, timed and before that.
        turn: steps of one before it is the next one's turn.

    Returns:
        list of dicts: configuration (name), step and processor (milliseconds of a step, and of all threads together,
        as `report.summary`), images_per_second (by the median), of_first (median as a share of the first's).
    """
    runs = {name: _timed_steps(cfg, contexts, logger, warm_up + steps) for name, cfg in cfgs.items()}
    times = by_turns(runs, warm_up + steps, turn)
    rows = []
    for name, cfg in cfgs.items():
        step, processor = (summary([1000 * seconds for seconds in column]) for column in zip(*times[name][warm_up:]))
        rows.append({"configuration": name, "step": step, "processor": processor,
                     "images_per_second": 1000 * cfg.TRAIN.BATCH_IMAGES * len(contexts) / step["median"]})
    return [dict(row, of_first=row["step"]["median"] / rows[0]["step"]["median"]) for row in rows]


def by_turns(runs, count, turn):
    """`count` items of each of several iterators (a dict), `turn` of one and then as many of the next, back and forth;
    dict of lists."""
    taken, order = {name: [] for name in runs}, list(runs)
    for start in range(0, count, turn):
        for name in order:
            taken[name] += [next(runs[name]) for _ in range(min(turn, count - start))]
        order.reverse()
    return taken


def line(row):
    """The line of the table for a row of `time_configurations`."""
    times = ["{median:.0f} ({low:.0f}-{high:.0f})".format(**row[key]) for key in ("step", "processor")]
    return "{:32} {:>22} {:>22} {:>9.2f} {:>9.3f}".format(row["configuration"], *times, row["images_per_second"],
                                                          row["of_first"])


def _timed_steps(cfg, contexts, logger, steps):
    # No checkpoint is looked for or written there.
    cfg = with_values(cfg, {"output_path": os.devnull, "TRAIN.NUM_WORKERS": 0})
    train = SymbolTrainer if cfg.symbol else EndToEndTrainer
    return train(cfg, contexts, logger).time_steps(steps)
