"""Orders of channels in which the originals' detectors differ from those here."""
from typing import List, Mapping, Tuple

import numpy as np

from ...data.class_names import COCO_CLASSES
from ...errors import CheckpointError

POOLED = 7  # bins along each side of a pooled RoI


def check_layers(path: str, arrays: Mapping[str, np.ndarray], layers: Mapping[str, str],
                 ends: Mapping[str, str]) -> None:
    """Checks that a file has the weight and the bias of every layer behind the backbone, as long as each other.

    Args:
        path: the file, for messages.
        arrays: by the names here; weights have their output channels first.
        layers: {the file's name of a layer: its name here}.
        ends: {"weight" or "bias": how the file's name of it ends}.

    Raises:
        CheckpointError: some are missing or of another length; the message has their names in the file.
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
