"""Chooses the checkpoint that is gone on from, tested or exported: the latest, or the best, that is whole."""
import logging
from typing import List, NamedTuple, Optional

from ...errors import CheckpointError
from .checkpoint_files import BEST, Checkpoint, list_checkpoints, tagged_bases, verify_checkpoint


class Choice(NamedTuple):
    """A checkpoint, and what was passed over for it.

    Attributes:
        base: PREFIX-TAG, whole in every byte; None where there is none.
        damaged: "PREFIX-TAG is damaged: why" for each one that would have been taken if it were whole, and for all of
            them where there is none.
    """

    base: Optional[str]
    damaged: List[str]

    def tell(self, logger: logging.Logger) -> None:
        """Warns of each damaged checkpoint that was passed over."""
        for message in self.damaged:
            logger.warning("%s; going on from %s", message, self.base)


def choose_latest(prefix: str) -> Choice:
    """Chooses the checkpoint PREFIX-TAG with the most steps. "best" is a copy and does not count."""
    return _choose(prefix, best=False)


def choose_best(prefix: str) -> Choice:
    """Chooses PREFIX-best."""
    return _choose(prefix, best=True)


def choose_best_or_latest(prefix: str) -> Choice:
    """Chooses PREFIX-best where it is there and whole, and otherwise the latest."""
    best = choose_best(prefix)
    if best.base is not None:
        return best
    latest = choose_latest(prefix)
    return Choice(latest.base, best.damaged + latest.damaged)


def choose_latest_or_best(prefix: str) -> Choice:
    """Chooses the latest where one is whole, and otherwise PREFIX-best, which may be all that was kept."""
    latest = choose_latest(prefix)
    if latest.base is not None:
        return latest
    best = choose_best(prefix)
    return Choice(best.base, latest.damaged + best.damaged)


def latest_checkpoint(prefix: str) -> Optional[str]:
    """PREFIX-TAG of the whole checkpoint with the most steps, or None; see `choose_latest`."""
    return choose_latest(prefix).base


def best_checkpoint(prefix: str) -> Optional[str]:
    """PREFIX-best where that checkpoint is there and whole, or None."""
    return choose_best(prefix).base


def _choose(prefix: str, best: bool) -> Choice:
    chosen = None
    # From the most steps to the fewest, so that no more is read than has to be.
    for checkpoint in reversed(list_checkpoints(prefix)):
        if (checkpoint.tag == BEST) == best and _damage(checkpoint.base) is None:
            chosen = checkpoint
            break
    later = [base for base, tag in tagged_bases(prefix)
             if (tag == BEST) == best and (chosen is None or _is_later(tag, chosen))]
    return Choice(chosen and chosen.base, list(filter(None, map(_damage, later))))


def _is_later(tag: str, chosen: Checkpoint) -> bool:
    """True where a checkpoint of this tag, whose JSON file may be unreadable, would have been taken before `chosen`."""
    if tag.isdecimal():
        return int(tag) > chosen.epoch
    return tag == BEST or int(tag[len("step"):]) > chosen.step


def _damage(base: str) -> Optional[str]:
    try:
        verify_checkpoint(base)
    except CheckpointError as error:
        return str(error)
    return None
