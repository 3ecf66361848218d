"""Finds the checkpoint that a training goes on from, and checks that the configuration and the data still fit."""
import logging
from pathlib import Path
from typing import Any, Mapping, Optional

from yacs.config import CfgNode

from ... import data
from ...errors import TrainingError
from ..checkpoints.checkpoint_files import BEST, epoch_tag, list_checkpoints, read_checkpoint
from ..checkpoints.choosing import choose_latest_or_best
from ..config import changed_keys

# Keys that an extended training may change, beside those that are free on resume.
_SCHEDULE_KEYS = ("TRAIN.lr", "TRAIN.lr_step", "TRAIN.lr_factor", "TRAIN.warmup", "TRAIN.warmup_lr",
                  "TRAIN.warmup_step", "TRAIN.warmup_method", "TRAIN.momentum", "TRAIN.wd", "TRAIN.CLIP_GRADIENT",
                  "TRAIN.LIGHT_HEAD_LR_MULT", "TRAIN.BACKBONE_LR_MULT", "TRAIN.BIAS_LR_MULT", "TRAIN.BIAS_WD_MULT",
                  "TRAIN.lr_schedule", "TRAIN.end_epoch", "TRAIN.EMA_DECAY")
# What the JSON file of a checkpoint has where a training of a detector wrote it.
_FACTS_OF_TRAININGS = ("config", "devices")


def requested_checkpoint(cfg: CfgNode, prefix: str, logger: logging.Logger, resume: bool = False,
                         resume_if_any: bool = False) -> Optional[str]:
    """Finds the checkpoint that a training goes on from.

    Args:
        cfg: the section `TRAIN` is read: RESUME with begin_epoch names the epoch to go on from.
        prefix: path that the names of the run's checkpoints start with.
        logger: is warned of damaged checkpoints that are passed over.
        resume: go on from the last checkpoint, or else the best one.
        resume_if_any: like `resume` where there is one, and start anew otherwise.

    Returns:
        PREFIX-TAG, or None where the training starts anew.

    Raises:
        TrainingError: there are checkpoints, and the training is not to go on from them; or there is none although it
            is to go on; or each of them is damaged.
    """
    train = cfg.TRAIN
    if train.RESUME and train.begin_epoch and not (resume or resume_if_any):
        return _named_epoch(prefix, train.begin_epoch)
    return find_to_resume(prefix, logger, resume or train.RESUME, resume_if_any, "output_path=PATH",
                          "with another schedule or more epochs --extend. To begin a new run with its weights: "
                          "network.pretrained={}.params output_path=PATH. ")


def find_to_resume(prefix: str, logger: logging.Logger, resume: bool, resume_if_any: bool, other_folder: str,
                   other_ways: str = "") -> Optional[str]:
    """Finds the checkpoint that a training goes on from: the last one that is whole, or else the best one.

    Args:
        prefix, logger, resume, resume_if_any: see `requested_checkpoint`.
        other_folder: words of the command line that name another folder.
        other_ways: what else can be done with a checkpoint, whose PREFIX-TAG takes the place of {}.

    Returns, Raises:
        See `requested_checkpoint`.
    """
    choice = choose_latest_or_best(prefix)
    if choice.base and not (resume or resume_if_any):
        raise TrainingError(f"there are checkpoints of an earlier run, the last one {choice.base}. To go on from it "
                            f"pass --resume{', ' if other_ways else '; '}{other_ways.format(choice.base)}"
                            f"{'T' if other_ways else 't'}o begin anew: {other_folder}")
    if choice.damaged and not choice.base:
        raise TrainingError("every checkpoint of an earlier run is damaged:\n  " + "\n  ".join(choice.damaged)
                            + f"\nTo begin anew, remove its files or choose another folder: {other_folder}")
    if choice.base:
        choice.tell(logger)
    elif resume_if_any:
        logger.info("there is no checkpoint %s-*: the training starts from the beginning", prefix)
    elif resume:
        raise TrainingError(f"there is no checkpoint in {Path(prefix).parent} to go on from (none is named "
                            f"{Path(prefix).name}-*): name the folder of the run by {other_folder}, or begin anew "
                            "without --resume; --resume-if-any does either")
    return choice.base


def _named_epoch(prefix: str, epoch: int) -> str:
    """Returns PREFIX-TAG of the epoch that TRAIN.begin_epoch names, unless there is more that would be lost."""
    later = [one.base for one in list_checkpoints(prefix) if one.tag != BEST and one.epoch >= epoch
             and one.tag != epoch_tag(epoch)]
    if later:
        raise TrainingError(
            f"TRAIN.RESUME with TRAIN.begin_epoch {epoch} goes on from the end of epoch {epoch}, but there are later "
            f"checkpoints, the last one {later[-1]}. To go on from that one pass --resume; to train again from epoch "
            f"{epoch} on, move the later ones elsewhere")
    return f"{prefix}-{epoch_tag(epoch)}"


def has_parameters_only(checkpoint: str) -> bool:
    """True where the checkpoint PREFIX-TAG is a parameter file alone, as the MXNet original writes it."""
    return Path(checkpoint + ".params").is_file() and not Path(checkpoint + ".json").is_file()


def images_left_out(log: data.FaultLog) -> bool:
    """True where a data set may have fewer images than before although its annotations are as they were."""
    return bool(log.unreadable_images or log.counts["image_missing"] and log.policy.action("image_missing") == "drop")


def check_resumable(checkpoint: str, cfg: CfgNode, facts: Mapping[str, Any], extend: bool) -> int:
    """Checks that a training may go on from a checkpoint.

    It may be on another number of devices, where these together take as many images a step: 4 on one device, or 2 on
    each of two. The batches are the same then, and the losses nearly so.

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
            difference and says what can be done. Or no training wrote it: the network was converted or changed.
        CheckpointError: the checkpoint is missing or damaged.
    """
    state = read_checkpoint(checkpoint)
    if any(name not in state for name in _FACTS_OF_TRAININGS):
        raise TrainingError(f"the checkpoint {checkpoint} was not written by the training of a detector, and there is "
                            f"nothing to go on with. To begin a training with its weights: network.pretrained="
                            f"{checkpoint}.params output_path=PATH")
    changed = changed_keys(state["config"], cfg)
    schedule = [line for line in changed if line.partition(":")[0] in _SCHEDULE_KEYS]
    if extend:
        changed = [line for line in changed if line not in schedule]
    # A fact that an earlier version did not note is not compared.
    different = {name: value for name, value in facts.items() if name in state and state[name] != value}
    if "devices" in different:
        line = _difference_of_devices(state, cfg, different.pop("devices"))
        changed = [one for one in changed if not one.startswith("TRAIN.BATCH_IMAGES:")]
        if line:
            changed.append(line)
            different.pop("steps_per_epoch", None)  # follows from it
    changed += [f"{name}: {state[name]} in the checkpoint, {value} now" for name, value in different.items()]
    if changed:
        ways = ["set these back to go on with the same losses"]
        if schedule and not extend:
            ways.append("pass --extend to go on with another schedule")
        ways.append(f"begin a new run with these weights: network.pretrained={checkpoint}.params output_path=PATH")
        raise TrainingError(f"the checkpoint {checkpoint} was trained with another configuration or other data:\n  "
                            + "\n  ".join(changed) + "\nEither " + ", or ".join(ways))
    return state["step"]


def _difference_of_devices(state: Mapping[str, Any], cfg: CfgNode, devices: int) -> str:
    """Says how the images of a step differ where the number of devices does; empty where they are as many.

    Args:
        state: JSON file of the checkpoint.
        cfg: the configuration to go on with.
        devices: their number now, all processes together.
    """
    of_each = state["config"].get("TRAIN.BATCH_IMAGES", cfg.TRAIN.BATCH_IMAGES)
    images, now = of_each * state["devices"], cfg.TRAIN.BATCH_IMAGES * devices
    if images == now:
        return ""
    way = (f"TRAIN.BATCH_IMAGES={images // devices} keeps them" if images % devices == 0
           else f"{devices} devices cannot share {images} images equally")
    return (f"images of a step: {images} in the checkpoint ({of_each} on each of {state['devices']} devices), {now} "
            f"now ({cfg.TRAIN.BATCH_IMAGES} on each of {devices}); {way}")
