"""The four stages of alternate training, and the detector that the last two are combined to.

1. `rpn1` trains the proposal network from the pretrained backbone, and finds proposals.
2. `rfcn1` trains the head on these proposals, from the pretrained backbone.
3. `rpn2` trains the proposal network again, on the convolutions of `rfcn1`, which stay fixed, and finds proposals.
4. `rfcn2` trains the head of `rfcn1` further, on the proposals of `rpn2`; the shared convolutions stay fixed.

The MXNet original begins `rfcn2` with a new head; here it continues the head of `rfcn1`.
"""
import logging
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import mxnet as mx
from yacs.config import CfgNode

from .... import data
from ....errors import CheckpointError, ConfigError, TrainingError
from ....gluon_models.weights.mxnet_files import load_weights
from ...building.roi_loader import build_roi_loader
from ...checkpoints.checkpoint_files import Content, epoch_tag, verify_checkpoint, write_checkpoint
from ...config import changed_keys, checkpoint_prefix, saved_config, with_values
from ...files import atomic_write
from ...symbolic.graphs import training_graph
from ...symbolic.weights import file_arrays, split_weights
from ..run import TrainingRun
from ..trainables import Start, Trainable, graph_trainable
from . import proposals


class Stage(NamedTuple):
    """One of the four stages."""

    name: str
    part: str  # part of the graph that is trained, see symbolic.graphs.TrainableGraph
    proposals: str = ""  # the stage whose proposals it is trained on
    start: Tuple[str, ...] = ()  # the stages whose parameters it begins with, in order of precedence


STAGES = (Stage("rpn1", "rpn"), Stage("rfcn1", "rcnn", "rpn1"), Stage("rpn2", "rpn", start=("rfcn1",)),
          Stage("rfcn2", "rcnn", "rpn2", start=("rfcn1", "rpn2")))


def stage_config(cfg: CfgNode, stage: Stage) -> CfgNode:
    """Returns the configuration of one stage: its entries of `TRAIN.ALTERNATE` replace those of `TRAIN`.

    Raises:
        ConfigError: the stage has no learning rate or no number of epochs.
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


class AlternateTraining:
    """Trains the four stages, each in a folder of its own under the output path, and combines the last two.

    Args:
        cfg, contexts, logger, allow_partial: see `TrainingRun`.
        dataset: the records of `dataset.image_set`.
        resume: go on where an earlier call was stopped, inside a stage or between two.
        resume_if_any: go on as with `resume` where there is an earlier call, and start anew otherwise.

    Attributes:
        failures: what is wrong with each image that a stage could not read.
        exit_status: of the command; not 0 where a signal ended a stage, and no more was trained.
        before_checkpoint: see `TrainingRun`.

    Raises:
        ConfigError: the configuration names no symbolic graph, or a stage lacks its entries.
        TrainingError: an earlier run is there and is not to be resumed, or there is none to be resumed.
    """

    def __init__(self, cfg: CfgNode, contexts: Sequence[mx.Context], logger: logging.Logger, dataset: data.Dataset,
                 resume: bool = False, allow_partial: bool = False, resume_if_any: bool = False):
        if not cfg.symbol:
            raise ConfigError("symbol is '': alternate training needs a symbolic graph, such as "
                              "resnet_v1_101_rfcn_light")
        self._cfg, self._contexts, self._logger, self._dataset = cfg, contexts, logger, dataset
        self.failures: List[str] = []
        self.exit_status = 0
        self.before_checkpoint: Callable[[], None] = lambda: None
        resume = resume or cfg.TRAIN.RESUME
        self._resume, self._allow_partial = resume or resume_if_any, allow_partial
        self._configs: Dict[str, CfgNode] = {stage.name: stage_config(cfg, stage) for stage in STAGES}
        found = (Path(cfg.output_path) / STAGES[0].name).exists()
        if found and not self._resume:
            raise TrainingError(f"there is an earlier run in {cfg.output_path}: pass --resume to go on from it, or "
                                "choose another folder: output_path=PATH")
        if not found and resume and not resume_if_any:
            raise TrainingError(f"there is no run in {cfg.output_path} to go on from: name its folder by "
                                "output_path=PATH, or begin anew without --resume; --resume-if-any does either")

    def run(self) -> Optional[str]:
        """Trains what is not trained yet.

        Returns:
            PREFIX-TAG of the combined checkpoint; None where a signal ended the training.
        """
        for stage in STAGES:
            self._logger.info("stage %s", stage.name)
            self._train(stage)
            if self.exit_status:
                return None
        return self._combine()

    def _train(self, stage: Stage) -> None:
        cfg = self._configs[stage.name]
        if not (self._resume and self._is_complete(cfg)):
            run = TrainingRun(cfg, self._contexts, self._logger, allow_partial=self._allow_partial,
                              dataset=self._dataset, resume_if_any=self._resume,
                              make_trainable=lambda *arguments: self._make_trainable(stage, *arguments))
            run.before_checkpoint = self.before_checkpoint
            run.run()
            self.failures += run.failures
            self.exit_status = run.trainer.exit_status
            if self.exit_status:
                return
        if stage.part == "rpn" and not _proposal_file(cfg).is_file():
            found = proposals.propose(cfg, self._contexts, _parameter_file(cfg), self._dataset)
            proposals.save_proposals(_proposal_file(cfg), self._dataset, found)
            self._logger.info("%.1f proposals an image, which find %.1f%% of the boxes; wrote %s",
                              sum(map(len, found)) / len(found), 100 * proposals.recall(self._dataset, found),
                              _proposal_file(cfg))

    def _make_trainable(self, stage: Stage, cfg: CfgNode, dataset: data.Dataset, start: Start) -> Trainable:
        loader = None
        if stage.proposals:
            given = proposals.load_proposals(_proposal_file(self._configs[stage.proposals]), dataset)
            loader = build_roi_loader(cfg, dataset, lambda record: given[record.path], len(dataset.classes) + 1,
                                      cfg.TRAIN.BATCH_IMAGES * len(start.contexts))
        weights = self._merged(stage.start) if stage.start else None
        return graph_trainable(cfg, dataset, start, stage.part, loader, weights)

    def _combine(self) -> str:
        """Writes a checkpoint of the whole detector from those of the last two stages; returns PREFIX-TAG."""
        cfg, classes = self._cfg, self._dataset.classes
        symbol = training_graph(cfg, len(classes) + 1).symbol
        prefix = checkpoint_prefix(cfg)
        with atomic_write(prefix + "-symbol.json") as temporary:
            symbol.save(temporary)
        arrays = file_arrays(cfg, *split_weights(symbol, self._merged(("rfcn2", "rpn2"))))
        base = write_checkpoint(prefix, epoch_tag(0), Content(arrays, {}, {}, classes), 0, 0,
                                {"config": saved_config(cfg)})
        self._logger.info("saved %s", base)
        return base

    def _merged(self, stages: Sequence[str]) -> Dict[str, mx.nd.NDArray]:
        """Returns the parameters of several stages by name; where several have a name, the first stage's is taken."""
        weights: Dict[str, mx.nd.NDArray] = {}
        for stage in stages:
            for name, array in load_weights(_parameter_file(self._configs[stage]))[0].items():
                weights.setdefault(name, array)
        return weights

    @staticmethod
    def _is_complete(cfg: CfgNode) -> bool:
        """True where the last checkpoint of a stage exists, is whole, and was trained with this configuration."""
        try:
            return not changed_keys(verify_checkpoint(_last_checkpoint(cfg))["config"], cfg)
        except CheckpointError:
            return False


def _last_checkpoint(cfg: CfgNode) -> str:
    """PREFIX-TAG of the last checkpoint of a stage."""
    return f"{checkpoint_prefix(cfg)}-{epoch_tag(cfg.TRAIN.end_epoch)}"


def _parameter_file(cfg: CfgNode) -> str:
    return _last_checkpoint(cfg) + ".params"


def _proposal_file(cfg: CfgNode) -> Path:
    return Path(cfg.output_path) / f"proposals-{epoch_tag(cfg.TRAIN.end_epoch)}.npz"
