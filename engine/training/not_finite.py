"""What is done about a step whose losses or gradients are not finite, and where that began."""
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence

import numpy as np
from mxnet import gluon

from ...errors import TrainingError
from ..checkpoints.parameters import role
from .finite import all_finite, is_finite

SKIPPED = "skipped"  # the number in losses.jsonl and in metrics
_NAMES_SHOWN = 16


class NanPolicy:
    """What is done about a step whose losses or gradients are not finite.

    Args:
        action: "stop" ends the training with an error; "skip" makes no update and goes on with the next batch.
        most: so many steps may be skipped in all; one more ends the training.
        skipped: how many were skipped before the step that the training goes on from.

    Attributes:
        skipped: how many have been skipped.
    """

    def __init__(self, action: str = "stop", most: int = 0, skipped: int = 0):
        self.skips, self.most, self.skipped = action == "skip", most, skipped

    def may_skip(self) -> bool:
        """Counts a step that is to be skipped; returns False where it ends the training instead."""
        if not self.skips or self.skipped >= self.most:
            return False
        self.skipped += 1
        return True


class Statistics:
    """Copies of what a step changes beside the update: the moving means and variances of batch normalization.

    Args:
        parameters: all of the network by name.
    """

    def __init__(self, parameters: Mapping[str, gluon.Parameter]):
        self._arrays = [array for name, parameter in parameters.items() if role(name) == "aux:"
                        for array in parameter.list_data()]
        self._copies = [array.copy() for array in self._arrays]

    def keep(self) -> None:
        """Copies them."""
        for array, copy in zip(self._arrays, self._copies):
            array.copyto(copy)

    def restore(self) -> None:
        """Brings them back as they were."""
        for array, copy in zip(self._arrays, self._copies):
            copy.copyto(array)


def gradients_are_finite(optimizer: gluon.Trainer) -> bool:
    """Tells whether the gradients on all devices are finite; waits for the backward pass."""
    return all_finite([array for parameter in optimizer._params if parameter.grad_req != "null"
                       for array in parameter.list_grad()])


class Cause(NamedTuple):
    """Where a step stopped being finite, and what a user can do where that is known."""

    place: str
    advice: str = ""


def find_cause(batch: Sequence[np.ndarray], batch_names: Sequence[str], parameters: Mapping[str, gluon.Parameter],
               find_layer: Callable[[], Optional[str]]) -> Cause:
    """Finds out where a step stopped being finite; no update has been made with its gradients.

    Args:
        batch: the arrays of the batch, the images first.
        batch_names: of the first of these arrays.
        parameters: all of the network, by name, in the order of the forward pass.
        find_layer: runs the network once more, and returns the first layer with an output that is not finite.
    """
    broken = [number for number, array in enumerate(batch)
              if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all()]
    if broken:
        names = [*batch_names, *(f"array {number + 1}" for number in range(len(batch_names), len(batch)))]
        return Cause("the batch itself holds numbers that are not finite, in "
                     + ", ".join(names[number] for number in broken), "look at these images and their boxes")
    # The moving means and variances are those after the step.
    names = [name for name, parameter in parameters.items()
             if role(name) != "aux:" and not all(map(is_finite, parameter.list_data()))]
    if names:
        return Cause(f"before the step, parameters were not finite already: {names[0]}{_more(names)}",
                     "go on from an earlier checkpoint, or look at the file that the weights are from")
    layer = find_layer()
    if layer:
        return Cause(f"the first output that is not finite is that of the layer {layer}")
    trained = {name: parameter for name, parameter in parameters.items() if parameter.grad_req != "null"}
    names = [name for name, parameter in trained.items() if not all(map(is_finite, parameter.list_grad()))]
    if names:
        # The backward pass begins at the losses, the parameters of which come last.
        return Cause(f"all outputs of the network are finite, but the gradients of {len(names)} of {len(trained)} "
                     f"parameters are not; the nearest to the losses is that of {names[-1]}")
    return Cause("in another process, or by chance: the same step, run once more here, is finite")


def describe_step(step: int, metrics: Dict[str, float], images: Sequence[str]) -> str:
    """Returns what is not finite in a step, and the images of its batch.

    Args:
        step: its number, counted from 1.
        metrics: "loss" among them.
        images: names; none where the loader does not tell them.
    """
    broken = [f"{name} {value}" for name, value in metrics.items() if not np.isfinite(value) and name != "loss"]
    what = (f"the loss is {metrics['loss']} at step {step}" if not np.isfinite(metrics["loss"])
            else f"gradients are not finite at step {step}, the loss is {metrics['loss']:.4g}")
    parts = f" ({', '.join(broken)})" if broken else ""
    shown = ", ".join(images[:_NAMES_SHOWN]) + _more(images[_NAMES_SHOWN - 1:]) if images else ""
    return f"{what}{parts}" + (f"; its images: {shown}" if shown else "")


def stop_error(what: str, cause: Cause, advice: str, policy: NanPolicy) -> TrainingError:
    """Returns the error that ends a training.

    Args:
        what: see `describe_step`.
        cause: see `find_cause`.
        advice: what a user can do where the cause does not say it.
        policy: says whether batches were skipped before.
    """
    way = (f"{policy.skipped} batches were skipped before, as many as TRAIN.MAX_SKIPPED_BATCHES allows" if policy.skips
           else "TRAIN.ON_NAN=skip leaves such a batch out")
    return TrainingError(f"{what}. Where it begins: {cause.place}. What helps: {cause.advice or advice}; {way}. No "
                         "update was made with it")


def _more(names: Sequence[Any]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
