"""Layers of the originals' detectors: whether a file has them whole, and channels in another order than here."""
from typing import List, Mapping, Tuple

import numpy as np

from ...data.class_names import COCO_CLASSES
from ...errors import CheckpointError

POOLED = 7  # bins along each side of a pooled RoI
_DENSE = ("fc_new_1", "cls_score", "bbox_pred", "fc1000")
# A background and a foreground score an anchor, and four deltas an anchor or class.
_OUTPUTS_OF_EACH = {"rpn_cls_score": 2, "rpn_bbox_pred": 4, "bbox_pred": 4}


def check_axes(path: str, entry: str, own: str, array: np.ndarray) -> None:
    """Checks that an array has as many axes as the parameter that it shall become, and is not empty.

    Args:
        path: the file, for the message.
        entry: the file's name of the array.
        own: its name here.
        array: with its axes in any order.

    Raises:
        CheckpointError: it has others.
    """
    layer, _, end = own.rpartition("_")
    axes = 1 if end != "weight" else 2 if layer in _DENSE else 4
    if array.ndim != axes or not array.size:
        raise CheckpointError(f"{path} is damaged, or holds another network: {entry} has the shape {array.shape}, but "
                              f"should have {axes} {'axis' if axes == 1 else 'axes'} and not be empty")


def check_layers(path: str, arrays: Mapping[str, np.ndarray], layers: Mapping[str, str],
                 ends: Mapping[str, str]) -> None:
    """Checks that a file has the weight and the bias of every layer behind the backbone, with outputs that fit.

    Args:
        path: the file, for messages.
        arrays: by the names here, after `check_axes`; weights have their output channels first.
        layers: {the file's name of a layer: its name here}.
        ends: {"weight" or "bias": how the file's name of it ends}.

    Raises:
        CheckpointError: some are missing or of a length that cannot be; the message has their names in the file.
    """
    problems: List[str] = []
    for theirs, own in layers.items():
        missing = [end for end in ends if f"{own}_{end}" not in arrays]
        problems += [f"there is no {theirs}/{ends[end]}" for end in missing]
        if not missing:
            weight, bias = (arrays[f"{own}_{end}"].shape for end in ("weight", "bias"))
            if bias != weight[:1]:
                problems.append(f"{theirs}/{ends['bias']} is {bias}, but {theirs}/{ends['weight']} has {weight[:1]} "
                                "outputs")
            elif bias[0] % _OUTPUTS_OF_EACH.get(own, 1):
                problems.append(f"{theirs} has {bias[0]} outputs, which is no multiple of {_OUTPUTS_OF_EACH[own]}")
    if problems:
        raise CheckpointError(f"{path} is no whole Light-Head R-CNN:\n  " + "\n  ".join(problems))


def split_scores(array: np.ndarray) -> np.ndarray:
    """Reorders the channels of the RPN's scores, the first axis: (background, foreground) an anchor to all of each."""
    return np.concatenate([array[0::2], array[1::2]])


def with_x_first(array: np.ndarray) -> np.ndarray:
    """Reorders box deltas, four an anchor or class along the first axis: (dy, dx, dh, dw) to (dx, dy, dw, dh)."""
    return array.reshape(-1, 4, *array.shape[1:])[:, [1, 0, 3, 2]].reshape(array.shape)


def coco_classes(outputs: np.ndarray) -> Tuple[str, ...]:
    """Returns COCO's classes for a layer of 81 outputs, background first; () for another number."""
    return tuple(COCO_CLASSES) if len(outputs) == len(COCO_CLASSES) + 1 else ()
