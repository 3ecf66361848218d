"""What a file of weights holds, once it is read: arrays under the names of the networks here, and what follows."""
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

BACKBONE, DETECTOR = "backbone", "detector"
# Pixel values from 0 to 1 less ImageNet's means, over its deviations (torchvision, GluonCV), as keys of the
# configuration: values from 0 to 255, in the order blue, green, red.
IMAGENET_PIXELS = {"network.PIXEL_MEANS": [103.53, 116.28, 123.675], "network.PIXEL_STDS": [57.375, 57.12, 58.395]}
# The means of Caffe's ResNet, which ChainerCV's classifiers and the MXNet original have.
CAFFE_PIXELS = {"network.PIXEL_MEANS": [103.06, 115.90, 123.15], "network.PIXEL_STDS": [1.0, 1.0, 1.0]}
# The means of the TensorFlow original and of ChainerCV's Light-Head R-CNN.
ORIGINAL_PIXELS = {"network.PIXEL_MEANS": [102.9801, 115.9465, 122.7717], "network.PIXEL_STDS": [1.0, 1.0, 1.0]}


class Weights(NamedTuple):
    """Arrays that a file holds, under the names of the parameters here, and what is known about them.

    Attributes:
        arrays: by name, without `arg:` and `aux:`. Arrays that have no counterpart here keep the name that they had.
        format: the kind of file, in words.
        model: name of the backbone (a name of `registry.BACKBONES`) or of the detector (a name of `model_names()`) that
            has these parameters; empty where it is not known.
        content: "backbone" or "detector"; empty where it is not known.
        settings: values of keys of the configuration without which the weights are of no or of less use, such as
            {"network.STRIDE_IN_1X1": False}.
        notes: what else a user should know, a sentence each.
        classes: names of the classes that a detector was trained for, without background; empty where they are not
            known.
        folded_boxes: whether the means and deviations of the box targets are folded into the box layer of a detector.
    """

    arrays: Dict[str, np.ndarray]
    format: str
    model: str = ""
    content: str = ""
    settings: Mapping[str, Any] = {}
    notes: Sequence[str] = ()
    classes: Tuple[str, ...] = ()
    folded_boxes: bool = False

    def lines(self) -> List[str]:
        """Returns what is known about the weights as lines of text."""
        found = f"{self.format}: {len(self.arrays)} arrays"
        if self.model:
            found += f" of the {self.content} {self.model}"
        keys = [f"  {key}: {value}" for key, value in self.settings.items()]
        return [found, *(["trained with these keys of the configuration:", *keys] if keys else []), *self.notes]


def float_array(array: Any) -> np.ndarray:
    """Returns an array of any kind as a NumPy array of float32 in C order."""
    return np.ascontiguousarray(array, dtype=np.float32)


def shapes_agree(own: Optional[Sequence[int]], saved: Sequence[int]) -> bool:
    """True where a saved array can be a parameter's; an unknown shape (None) or side (0) of it agrees with any."""
    return own is None or (len(own) == len(saved) and all(mine in (0, other) for mine, other in zip(own, saved)))
