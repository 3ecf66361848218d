"""Loads trained networks from checkpoints, with the configuration that they were trained with."""
import logging
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ...errors import CheckpointError
from ..building.box_normalization import with_numbers_of
from ..building.initialization import log_mismatches
from ..building.network import build_net
from ..building.pretrained import all_settings, check_finite, holds_whole, pretrained_file, whole_detector
from ..checkpoints.checkpoint_files import BEST, describe_checkpoint, epoch_tag, verify_checkpoint
from ..checkpoints.choosing import choose_best_or_latest, latest_checkpoint
from ..checkpoints.parameters import load_parameters, own_parameters
from ..config import checkpoint_prefix, config_from_checkpoint, saved_config, weight_conflicts
from ..symbolic.detector import load_symbol_detector


_LOGGER = logging.getLogger(__name__)


class TrainedNetwork(NamedTuple):
    """A network with trained parameters, and where it comes from."""

    net: HybridBlock
    cfg: CfgNode
    path: str  # the parameter file


def load_network(cfg: Optional[CfgNode], contexts: Sequence[mx.Context], checkpoint: Optional[str] = None,
                 epoch: Optional[int] = None, classes: Optional[Sequence[str]] = None, allow_partial: bool = False,
                 logger: Optional[logging.Logger] = None, overrides: Sequence[str] = ()) -> TrainedNetwork:
    """Loads a trained detector, hybridized.

    Args:
        cfg: the configuration to run it with; None takes the one that is stored in the checkpoint.
        contexts: the devices that hold the parameters.
        checkpoint: PREFIX-TAG, a parameter file, or the folder of a run. By default the checkpoint of `cfg` after
            `epoch` epochs, or after `TEST.test_epoch` where that is set, or else the best, or else the last one; where
            there is none yet, the whole detector that `network.pretrained` names.
        epoch: completed epochs.
        classes: names that the checkpoint must have been trained for; by default its own, or `dataset.classes`.
        allow_partial: where a file does not fit, load the parameters that do, and tell `logger` which do not.
        overrides: changes of the checkpoint's own configuration where `cfg` is None, such as ["TEST.NMS=0.5"].

    Returns:
        The Gluon model `network.model`, or the graph `symbol` where the configuration names one.

    Raises:
        CheckpointError: there is no such checkpoint, it is damaged or of other classes, its weights hold NaN or
            infinity, or it was trained with other values of keys that they depend on; the message names each key.
    """
    base = find_checkpoint(checkpoint) if checkpoint is not None else _checkpoint_of(cfg, epoch)
    if base is None:
        return _pretrained_network(cfg, contexts, classes)
    state = _state(base)
    if logger is not None and (checkpoint is None or Path(checkpoint).is_dir()):
        _tell_choice(base, logger)
    if cfg is None:
        cfg = _own_config(base, state, overrides)
    cfg = with_numbers_of(cfg, state.get("config", {}))
    _check_configuration(base, state.get("config"), cfg, "leave --cfg out: the checkpoint brings its own configuration "
                         "along")
    classes = _classes(base, state, classes, cfg)
    path = base + ".params"
    if cfg.symbol:
        net, problems = load_symbol_detector(cfg, classes, contexts, path, allow_partial)
    else:
        net = build_net(cfg, classes)
        net.initialize(ctx=contexts)
        problems = load_parameters(path, net, allow_partial)
        net.hybridize()
    check_finite(path, {name: parameter.data(contexts[0]).asnumpy() for name, parameter in own_parameters(net).items()})
    if logger is not None:
        log_mismatches(logger, problems)
    return TrainedNetwork(net, cfg, path)


def find_checkpoint(path: str) -> str:
    """Finds the checkpoint that a user names.

    Args:
        path: PREFIX-TAG, one of its files, or a folder: its best checkpoint, or else its last.

    Returns:
        PREFIX-TAG. Unless it was found in a folder, it is not checked that it is there.

    Raises:
        CheckpointError: the folder holds no checkpoint, or those of several runs.
    """
    if Path(path).is_dir():
        choices = {prefix: choose_best_or_latest(prefix) for prefix in possible_prefixes(path)}
        found = [prefix for prefix, choice in choices.items() if choice.base is not None]
        if len(found) > 1:
            raise CheckpointError(f"{path} holds the checkpoints of several trainings ({', '.join(found)}): name "
                                  "one, such as " + (latest_checkpoint(found[0]) or choices[found[0]].base))
        if not found:
            raise CheckpointError(f"there is no checkpoint in the folder {path}"
                                  + _damage([line for choice in choices.values() for line in choice.damaged]))
        choices[found[0]].tell(_LOGGER)
        return choices[found[0]].base
    for end in (".params", ".json", ".states"):
        if str(path).endswith(end):
            return str(path)[:-len(end)]
    return str(path)


_NO_GRAPH = ("\nWeights that network.pretrained names are tested without a training by Gluon models alone, not by a "
             "symbol: lhrcnn convert FILE --to m/NAME.params writes a configuration that does so")


def checkpoint_prefixes(folder: str) -> List[str]:
    """The prefixes of the checkpoints in a folder, of those that are whole."""
    return [prefix for prefix in possible_prefixes(folder) if choose_best_or_latest(prefix).base is not None]


def possible_prefixes(folder: str) -> List[str]:
    """What the names of the checkpoints in a folder begin with, be these whole or not; other names may be among it."""
    return sorted({str(path.parent / path.name.rpartition("-")[0]) for path in Path(folder).glob("*-*.json")})


def _damage(messages: Sequence[str]) -> str:
    return " that is whole:\n  " + "\n  ".join(messages) if messages else ""


def _checkpoint_of(cfg: Optional[CfgNode], epoch: Optional[int]) -> Optional[str]:
    """PREFIX-TAG of a configuration; None where there is none yet, but a network to start from that may be whole."""
    if cfg is None:
        raise CheckpointError("name a configuration (--cfg FILE) or a checkpoint (--checkpoint PATH)")
    prefix = checkpoint_prefix(cfg)
    epoch = epoch or cfg.TEST.test_epoch
    if epoch:
        return f"{prefix}-{epoch_tag(epoch)}"
    choice = choose_best_or_latest(prefix)
    if choice.base is None and choice.damaged:
        raise CheckpointError(f"there is no checkpoint {prefix}-*" + _damage(choice.damaged))
    if choice.base is None and (not cfg.network.pretrained or cfg.symbol):
        raise CheckpointError(f"there is no checkpoint {prefix}-*: train first, or name one: --checkpoint PATH"
                              + (_NO_GRAPH if cfg.network.pretrained else ""))
    choice.tell(_LOGGER)
    return choice.base


def _tell_choice(base: str, logger: logging.Logger) -> None:
    """Tells which checkpoint was taken where a run has a best one and a last one."""
    prefix, _, tag = base.rpartition("-")
    last = latest_checkpoint(prefix)
    if tag == BEST and last is not None:
        logger.info("taking the best checkpoint, %s; the last one is %s, and --checkpoint takes that or another",
                    describe_checkpoint(base), describe_checkpoint(last))


def _pretrained_network(cfg: CfgNode, contexts: Sequence[mx.Context],
                        wanted: Optional[Sequence[str]]) -> TrainedNetwork:
    """The detector that `network.pretrained` names, as it is."""
    none = f"there is no checkpoint {checkpoint_prefix(cfg)}-*: train first, or name one: --checkpoint PATH"
    try:
        path, weights = pretrained_file(cfg), whole_detector(cfg)
    except CheckpointError as error:
        raise CheckpointError(f"{none}\n{error}") from None
    if weights is None:
        raise CheckpointError(f"{none} ({path} holds a backbone, not a detector)")
    cfg = with_numbers_of(cfg, weights.settings)
    # A key of which the weights say nothing agrees with them.
    _check_configuration(path, {**saved_config(cfg), **all_settings(weights)}, cfg, "take the configuration that "
                         f"lhrcnn convert writes: lhrcnn convert {path} --to m/NAME.params")
    classes = _classes(path, {"classes": weights.classes}, wanted, cfg)
    net = build_net(cfg, classes)
    own = own_parameters(net)
    shapes = {name: parameter.shape for name, parameter in own.items()}
    if not holds_whole(weights, shapes):
        raise CheckpointError(f"{none} ({path} does not hold all of {cfg.network.model} for {len(classes)} classes)")
    check_finite(path, {name: weights.arrays[name] for name in own})
    net.initialize(ctx=contexts)
    for name, parameter in own.items():
        parameter.set_data(mx.nd.array(weights.arrays[name], dtype=parameter.dtype))
    net.hybridize()
    return TrainedNetwork(net, cfg, path)


def _state(base: str) -> Dict[str, Any]:
    """The JSON file of a checkpoint; empty for a parameter file that has none beside it."""
    if Path(base + ".params").is_file() and not Path(base + ".json").is_file():
        return {}
    return verify_checkpoint(base)


def _own_config(base: str, state: Dict[str, Any], overrides: Sequence[str]) -> CfgNode:
    if "config" not in state:
        raise CheckpointError(f"{base}.params brings no configuration along: name one, --cfg FILE")
    return config_from_checkpoint(state["config"], overrides)


def _check_configuration(base: str, saved: Optional[Dict[str, Any]], cfg: CfgNode, remedy: str) -> None:
    conflicts = weight_conflicts(saved, cfg)
    if conflicts:
        raise CheckpointError(
            f"the weights of {base} were trained with other values of keys that they depend on:\n  "
            + "\n  ".join(conflicts) + f"\nSet these back, or {remedy}")


def _classes(base: str, state: Dict[str, Any], wanted: Optional[Sequence[str]], cfg: CfgNode) -> Tuple[str, ...]:
    saved = tuple(state.get("classes", ()))
    if saved and wanted is not None and tuple(wanted) != saved:
        raise CheckpointError(f"{base} was trained for the classes {', '.join(saved)}, not for {', '.join(wanted)}")
    classes = saved or tuple(wanted or cfg.dataset.classes)
    if not classes:
        raise CheckpointError(f"{base}.params does not say its classes; name them: dataset.classes NAME,NAME,...")
    return classes
