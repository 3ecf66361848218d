"""Alternate training (Faster R-CNN, section 3.2): four stages, of which the last two share their convolutions.

1. `rpn1`: the proposal network, from the pretrained backbone; its proposals.
2. `rfcn1`: the rest of the detector on these, from the pretrained backbone.
3. `rpn2`: the proposal network again, on the convolutions of `rfcn1`, which stay as they are; its proposals.
4. `rfcn2`: the rest on these, going on from `rfcn1`, whose shared convolutions stay as they are.

What the stages `rpn2` and `rfcn2` end with is one detector. The port begins the head of `rfcn2` anew; here it goes on.
"""
from pathlib import Path
from typing import NamedTuple

from ...errors import ConfigError, TrainingError
from ..checkpoints.arrays import load_weights
from ..checkpoints.checkpoint import read_state, write_checkpoint
from ..config import changed_keys, checkpoint_prefix, with_values
from ..files import atomic_write
from . import proposals
from ..symbolic.graphs import training_graph
from .symbol_trainer import SymbolTrainer
from ..symbolic.weights import file_arrays, split_weights


class Stage(NamedTuple):
    """One of the four."""

    name: str
    part: str  # of `SymbolTrainer`
    proposals: str = ""  # the stage whose proposals it is trained on
    start: tuple = ()  # stages whose parameters it begins with, later ones first; none: the pretrained backbone


STAGES = (Stage("rpn1", "rpn"), Stage("rfcn1", "rcnn", "rpn1"), Stage("rpn2", "rpn", start=("rfcn1",)),
          Stage("rfcn2", "rcnn", "rpn2", start=("rfcn1", "rpn2")))


def stage_config(cfg, stage):
    """The configuration of one stage: its entries of `TRAIN.ALTERNATE` in the place of those of `TRAIN`.

    Raises:
        ConfigError: no learning rate or number of epochs is given.
    """
    alternate = cfg.TRAIN.ALTERNATE
    lr, epochs = alternate[stage.name + "_lr"], alternate[stage.name + "_epoch"]
    for key, value in (("_lr", lr), ("_epoch", epochs)):
        if value <= 0:
            raise ConfigError(f"TRAIN.ALTERNATE.{stage.name}{key} is {value}: alternate training needs it above 0")
    images = alternate["RPN_BATCH_IMAGES" if stage.part == "rpn" else "RCNN_BATCH_IMAGES"]
    return with_values(cfg, {
        "output_path": str(Path(cfg.output_path) / stage.name), "TRAIN.model_prefix": stage.name, "TRAIN.lr": lr,
        "TRAIN.lr_step": alternate[stage.name + "_lr_step"], "TRAIN.begin_epoch": 0, "TRAIN.end_epoch": epochs,
        "TRAIN.BATCH_IMAGES": images or cfg.TRAIN.BATCH_IMAGES,
        "network.FIXED_PARAMS": cfg.network.FIXED_PARAMS_SHARED if stage.start else cfg.network.FIXED_PARAMS})


def train_alternate(cfg, contexts, logger, dataset, resume=False, allow_partial=False):
    """Trains the four stages, each in a folder of its own under the output path, and combines the last two.

    Args:
        cfg, contexts, logger, allow_partial: as for `TrainingLoop`.
        dataset: the records of `dataset.image_set`.
        resume: go on where an earlier call was stopped, inside a stage or between two.

    Returns:
        PREFIX-TAG of the combined checkpoint.

    Raises:
        TrainingError: an earlier run is there and is not to be resumed.
    """
    if not cfg.symbol:
        raise ConfigError("symbol is '': alternate training needs a symbolic graph, such as resnet_v1_101_rfcn_light")
    configs = {stage.name: stage_config(cfg, stage) for stage in STAGES}
    resume = resume or cfg.TRAIN.RESUME
    if not resume and (Path(cfg.output_path) / STAGES[0].name).exists():
        raise TrainingError("there is an earlier run in %s: pass --resume to go on from it, or choose another folder: "
                            "output_path PATH" % cfg.output_path)
    for stage in STAGES:
        logger.info("stage %s", stage.name)
        _train_stage(stage, configs, contexts, logger, dataset, resume, allow_partial)
    return _combine(cfg, configs, dataset, logger)


def _train_stage(stage, configs, contexts, logger, dataset, resume, allow_partial):
    cfg = configs[stage.name]
    if not (resume and _is_complete(cfg)):
        given = proposals.load_proposals(_proposals(configs[stage.proposals]), dataset) if stage.proposals else None
        start = _merged([_parameters(configs[name]) for name in stage.start]) if stage.start else None
        SymbolTrainer(cfg, contexts, logger, resume, allow_partial, stage.part, given, start).run()
    if stage.part == "rpn" and not _proposals(cfg).is_file():
        found = proposals.propose(cfg, contexts, _parameters(cfg), dataset)
        proposals.save_proposals(_proposals(cfg), dataset, found)
        logger.info("%.1f proposals an image, which find %.1f%% of the boxes; wrote %s",
                    sum(map(len, found)) / len(found), 100 * proposals.recall(dataset, found), _proposals(cfg))


def _combine(cfg, configs, dataset, logger):
    """Writes the detector that the last two stages make."""
    symbol = training_graph(cfg, len(dataset.classes) + 1).symbol
    weights = _merged([_parameters(configs["rfcn2"]), _parameters(configs["rpn2"])])
    prefix = checkpoint_prefix(cfg)
    with atomic_write(prefix + "-symbol.json") as temporary:
        symbol.save(temporary)
    arrays = file_arrays(cfg, *split_weights(symbol, weights))
    base = write_checkpoint(prefix, lambda: (arrays, {}, {}), dataset.classes, 0, 0)
    logger.info("saved %s", base)
    return base


def _merged(files):
    """Parameters by name of several files; where more than one has a name, the first decides."""
    weights = {}
    for path in files:
        for name, array in load_weights(path)[0].items():
            weights.setdefault(name, array)
    return weights


def _is_complete(cfg):
    """Whether the last checkpoint of a stage is there and of this configuration."""
    last = _last(cfg)
    return Path(last + ".json").is_file() and not changed_keys(read_state(last)["config"], cfg)


def _last(cfg):
    """PREFIX-TAG of the last checkpoint of a stage."""
    return "%s-%04d" % (checkpoint_prefix(cfg), cfg.TRAIN.end_epoch)


def _parameters(cfg):
    return _last(cfg) + ".params"


def _proposals(cfg):
    return Path(cfg.output_path) / ("proposals-%04d.npz" % cfg.TRAIN.end_epoch)
