"""What a training says about its tests and its checkpoints, for people who use it for the first time."""
from typing import List

from yacs.config import CfgNode

from ..checkpoints.checkpoint_files import describe_checkpoint
from ..checkpoints.choosing import best_checkpoint, latest_checkpoint
from ..config import checkpoint_prefix


def on_tests(cfg: CfgNode, has_test_set: bool) -> List[str]:
    """Returns the lines for the start of a training: what its tests decide, and what is asked for in vain.

    Args:
        cfg: the sections `TRAIN` and `dataset` are read.
        has_test_set: whether there are images to test on.
    """
    train = cfg.TRAIN
    lines = []
    if not has_test_set:
        if train.TEST_EVERY:
            lines.append(f"warning: TRAIN.TEST_EVERY is {train.TEST_EVERY}, but dataset.test_image_set is empty: there "
                         "are no tests, and no checkpoint is kept as the best one")
    elif not train.TEST_EVERY:
        lines.append("TRAIN.TEST_EVERY is 0: there is one test, after the last epoch, and the last checkpoint is the "
                     "one to use. TRAIN.TEST_EVERY=1 tests after each epoch and keeps the best checkpoint")
    if train.EARLY_STOP_TESTS and not (train.TEST_EVERY and has_test_set):
        lines.append(f"warning: TRAIN.EARLY_STOP_TESTS is {train.EARLY_STOP_TESTS}, but there are no tests between "
                     "epochs: set TRAIN.TEST_EVERY and dataset.test_image_set")
    return lines


def on_checkpoints(cfg: CfgNode) -> List[str]:
    """Returns the lines for the end of a training: which checkpoint is the one to use, and how it is used."""
    prefix = checkpoint_prefix(cfg)
    best, last = best_checkpoint(prefix), latest_checkpoint(prefix)
    if best is None and last is None:
        return []
    lines = [f"the best checkpoint is {describe_checkpoint(best)}, the last one {last}" if best else
             f"the last checkpoint is {describe_checkpoint(last)}"]
    given = " --proposals selective_search" if cfg.dataset.proposal == "file" else ""
    return lines + [f"to use it: lhrcnn detect --checkpoint {cfg.output_path} IMAGE{given}. lhrcnn test and lhrcnn "
                    "export take it, too, unless --checkpoint or --epoch names another"]
