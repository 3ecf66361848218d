"""Finds the checkpoint that a training goes on from, and checks that the configuration and the data still fit."""
from pathlib import Path
from typing import Any, Mapping, Optional

from yacs.config import CfgNode

from ... import data
from ...errors import TrainingError
from ..checkpoints.checkpoint_files import (
    best_checkpoint, damage_messages, epoch_tag, latest_checkpoint, read_checkpoint)
from ..config import changed_keys

# Keys that an extended training may change, beside those that are free on resume.
_SCHEDULE_KEYS = ("TRAIN.lr", "TRAIN.lr_step", "TRAIN.lr_factor", "TRAIN.warmup", "TRAIN.warmup_lr",
                  "TRAIN.warmup_step", "TRAIN.warmup_method", "TRAIN.momentum", "TRAIN.wd", "TRAIN.CLIP_GRADIENT",
                  "TRAIN.LIGHT_HEAD_LR_MULT", "TRAIN.BACKBONE_LR_MULT", "TRAIN.BIAS_LR_MULT", "TRAIN.BIAS_WD_MULT",
                  "TRAIN.lr_schedule", "TRAIN.end_epoch", "TRAIN.EMA_DECAY")


def requested_checkpoint(cfg: CfgNode, prefix: str, resume: bool) -> Optional[str]:
    """Finds the checkpoint that a training goes on from.

    Args:
        cfg: the section `TRAIN` is read: RESUME with begin_epoch names the epoch to go on from.
        prefix: path that the names of the run's checkpoints start with.
        resume: go on from the last checkpoint, or else the best one.

    Returns:
        PREFIX-TAG, or None where the training starts anew.

    Raises:
        TrainingError: there are checkpoints, and the training is not to go on from them, or each of them is damaged.
    """
    train = cfg.TRAIN
    if train.RESUME and train.begin_epoch and not resume:
        return f"{prefix}-{epoch_tag(train.begin_epoch)}"
    # The best checkpoint is whole too, and may be all that was kept.
    found = latest_checkpoint(prefix) or best_checkpoint(prefix)
    if found and not (resume or train.RESUME):
        raise TrainingError(
            f"there are checkpoints of an earlier run, the last one {found}. To go on from it pass --resume, with "
            "another schedule or more epochs --extend. To begin a new run with its weights: "
            f"network.pretrained={found}.params output_path=PATH. To begin anew: output_path=PATH")
    damaged = damage_messages(prefix)
    if damaged and not found:
        raise TrainingError("every checkpoint of an earlier run is damaged:\n  " + "\n  ".join(damaged)
                            + "\nTo begin anew, remove its files or choose another folder: output_path=PATH")
    return found


def has_parameters_only(checkpoint: str) -> bool:
    """True where the checkpoint PREFIX-TAG is a parameter file alone, as the MXNet original writes it."""
    return Path(checkpoint + ".params").is_file() and not Path(checkpoint + ".json").is_file()


def images_left_out(log: data.FaultLog) -> bool:
    """True where a data set may have fewer images than before although its annotations are as they were."""
    return bool(log.unreadable_images or log.counts["image_missing"] and log.policy.action("image_missing") == "drop")


def check_resumable(checkpoint: str, cfg: CfgNode, facts: Mapping[str, Any], extend: bool) -> int:
    """Checks that a training may go on from a checkpoint.

    Args:
        checkpoint: PREFIX-TAG.
        cfg: the configuration to go on with.
        facts: other values that the sequence of losses depends on, by their names in the checkpoint's JSON file, for
            example "devices" and "classes".
        extend: allow another schedule.

    Returns:
        The number of steps that had been completed when the checkpoint was written.

    Raises:
        TrainingError: the checkpoint was trained with another configuration or other data; the message lists every
            difference and says what can be done.
        CheckpointError: the checkpoint is missing or damaged.
    """
    state = read_checkpoint(checkpoint)
    changed = changed_keys(state["config"], cfg)
    schedule = [line for line in changed if line.partition(":")[0] in _SCHEDULE_KEYS]
    if extend:
        changed = [line for line in changed if line not in schedule]
    changed += [f"{name}: {state[name]} in the checkpoint, {value} now" for name, value in facts.items()
                if state[name] != value]
    if changed:
        ways = ["set these back to go on with the same losses"]
        if schedule and not extend:
            ways.append("pass --extend to go on with another schedule")
        ways.append(f"begin a new run with these weights: network.pretrained={checkpoint}.params output_path=PATH")
        raise TrainingError(f"the checkpoint {checkpoint} was trained with another configuration or other data:\n  "
                            + "\n  ".join(changed) + "\nEither " + ", or ".join(ways))
    return state["step"]
