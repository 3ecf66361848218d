"""The results of rows at the paper's scale: each belongs to the configuration that it was run with.

`State` keeps, under "paper/ROW", a list of dicts: configuration (all keys), changes (see `changes_from_paper`), metrics
(COCO's figures, from 0 to 1, and Pascal VOC's under "voc") and seconds.
"""
import hashlib
import json
from typing import Any, Dict, List

from yacs.config import CfgNode

from ...engine.checkpoints.checkpoint_files import read_checkpoint
from ...engine.checkpoints.choosing import latest_checkpoint
from ...engine.config import checkpoint_prefix, saved_config
from .rows import row_config
from ..runs.configurations import BOOKKEEPING, differing_keys
from ..runs.state import State

# Keys that say where the data lie: with another value a row is tested again, but it is the same row.
_PLACES_OF_DATA = ("dataset.dataset_path", "dataset.root_path")
# Keys that the paper leaves to the reader: which file of ImageNet weights is at hand.
_WEIGHTS = ("network.pretrained", "network.pretrained_epoch")


def find_result(state: State, row: str, cfg: CfgNode) -> Any:
    """Returns the result of a row that was run with a configuration, or None."""
    return next((result for result in results_of(state, row)
                 if not differing_keys(result["configuration"], saved_config(cfg))), None)


def keep_result(state: State, row: str, cfg: CfgNode, metrics: Dict[str, Any], seconds: float) -> None:
    """Keeps the result of a row beside those that it has with other configurations.

    Args:
        state: takes it.
        row: name.
        cfg: what it was run with.
        metrics: COCO's figures, from 0 to 1, and Pascal VOC's under "voc".
        seconds: by the clock.
    """
    result = {"configuration": saved_config(cfg), "changes": changes_from_paper(row, cfg), "metrics": metrics,
              "seconds": seconds}
    others = [other for other in results_of(state, row)
              if differing_keys(other["configuration"], result["configuration"])]
    state.put(f"paper/{row}", others + [result])


def results_of(state: State, row: str) -> List[Dict[str, Any]]:
    """Returns all results of a row, those as the paper has it first."""
    results = state.get(f"paper/{row}")
    # An earlier version kept only that the row was done.
    return sorted(results, key=lambda result: bool(result["changes"])) if isinstance(results, list) else []


def changes_from_paper(row: str, cfg: CfgNode) -> Dict[str, Any]:
    """Returns the entries of a configuration that make it another training or test than the row's own, by key."""
    own = saved_config(row_config(row))
    now = saved_config(cfg)
    return {key: now[key] for key in differing_keys(own, now, BOOKKEEPING + _PLACES_OF_DATA + _WEIGHTS)}


def folder_for_training(cfg: CfgNode) -> str:
    """Returns the output folder of a training.

    It is the configuration's own, unless that holds checkpoints of a training with another configuration: then one
    beside it, whose name tells the configurations apart.
    """
    now = saved_config(cfg)
    ignored = BOOKKEEPING + _PLACES_OF_DATA + tuple(
        key for key in now if key.startswith("TEST") or key == "dataset.test_image_set")
    found = latest_checkpoint(checkpoint_prefix(cfg))
    # A key that the checkpoint lacks, because an earlier version wrote it, is taken for the same.
    if found is None or not differing_keys({**now, **read_checkpoint(found).get("config", {})}, now, ignored):
        return cfg.output_path
    values = {key: value for key, value in now.items() if key not in ignored}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return f"{cfg.output_path}-{digest[:8]}"
