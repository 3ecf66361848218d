"""What stays of the checkpoints of a run that has ended, and how a later run finds it."""
from pathlib import Path
from typing import Union

from ...engine.checkpoints.checkpoint_files import list_checkpoints, remove_checkpoint
from ...engine.checkpoints.choosing import latest_checkpoint
from ...engine.config import checkpoint_prefix, load_config
from ...errors import UsageError


def keep_last_checkpoint(prefix: str) -> None:
    """Removes all checkpoints PREFIX-TAG but the last one, the best one among them: dozens of runs would fill a disk.

    Nothing is removed where no checkpoint is whole.
    """
    last = latest_checkpoint(prefix)
    if last is None:
        return
    for checkpoint in list_checkpoints(prefix):
        if checkpoint.base != last:
            remove_checkpoint(checkpoint.base)


def last_checkpoint_of_run(cfg_file: Union[str, Path], key: str, state_file: Union[str, Path]) -> str:
    """Returns the last checkpoint of an earlier run, PREFIX-TAG, with whose weights another one begins.

    Args:
        cfg_file: the earlier run's configuration.
        key: its entry in the state.
        state_file: the JSON file of results in which it counts as done.

    Raises:
        UsageError: there is none any more; the message begins with "it" for the later run.
    """
    cfg_file = Path(cfg_file)
    found = latest_checkpoint(checkpoint_prefix(load_config(cfg_file))) if cfg_file.is_file() else None
    if found is None:
        raise UsageError(f"it begins with the checkpoint of {key}, but {cfg_file.parent} has none any more: remove the "
                         f"entry {key} from {state_file} to do that run again")
    return found
