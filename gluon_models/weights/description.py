"""What a file of weights holds, once it is read: arrays under the names of the networks here, and what follows."""
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...errors import CheckpointError

BACKBONE, DETECTOR = "backbone", "detector"


class Pixels(NamedTuple):
    """How pixel values, from 0 to 255, become the input of a network.

    Attributes:
        means: what is subtracted from red, green and blue.
        stds: what they are divided by then.
    """

    means: Tuple[float, float, float]
    stds: Tuple[float, float, float] = (1.0, 1.0, 1.0)


# Values from 0 to 1 less ImageNet's means, over its deviations: torchvision and GluonCV.
IMAGENET_PIXELS = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# Caffe's ResNet, ChainerCV's classifiers and the MXNet original.
CAFFE_PIXELS = Pixels((123.15, 115.90, 103.06))
# The TensorFlow original and ChainerCV's Light-Head R-CNN.
ORIGINAL_PIXELS = Pixels((122.7717, 115.9465, 102.9801))


class Weights(NamedTuple):
    """Arrays that a file holds, under the names of the parameters here, and what is known about them.

    Attributes:
        arrays: by name, without `arg:` and `aux:`. Arrays that have no counterpart here keep the name that they had.
        format: the kind of file, in words.
        model: name of the backbone (a name of `registry.BACKBONES`) or of the detector (a name of `model_names()`) that
            has these parameters; empty where it is not known.
        content: "backbone" or "detector"; empty where it is not known.
        settings: values of keys of the configuration without which the weights are of no or of less use, such as
            {"network.STRIDE_IN_1X1": False}; without those of the pixels.
        pixels: what the network was trained to read; None where it is not known.
        notes: what else a user should know, a sentence each.
        classes: names of the classes that a detector was trained for, without background; empty where they are not
            known.
        turned: whether the first convolution was turned round, for a network trained to read blue, green, red.
    """

    arrays: Dict[str, np.ndarray]
    format: str
    model: str = ""
    content: str = ""
    settings: Mapping[str, Any] = {}
    pixels: Optional[Pixels] = None
    notes: Sequence[str] = ()
    classes: Tuple[str, ...] = ()
    turned: bool = False

    def title(self) -> str:
        """Returns what the weights are, in a few words."""
        return f"{self.format}, the {self.content} {self.model}" if self.model else self.format


def float_array(array: Any) -> np.ndarray:
    """Returns an array of any kind as a NumPy array of float32 in C order, a single number as one without axes."""
    return np.asarray(array, dtype=np.float32, order="C")


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """Returns numbers in bfloat16, of which uint16 holds the bits, as float32, of which they are the upper half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def less_bias(path: str, arrays: Mapping[str, np.ndarray], mean: str, bias: str) -> np.ndarray:
    """Returns the moving mean of a normalisation less the bias of the convolution before it, for the same outputs.

    Args:
        path: the file, for the message.
        arrays: by name.
        mean, bias: names of the two arrays.

    Raises:
        CheckpointError: there is no such mean, or it is of another shape.
    """
    if mean not in arrays or arrays[mean].shape != arrays[bias].shape:
        found = f"has the shape {arrays[mean].shape}" if mean in arrays else "is missing"
        raise CheckpointError(f"{path} is damaged: {mean}, as it is named here, {found}, and {bias} has the shape "
                              f"{arrays[bias].shape}")
    return arrays[mean] - arrays[bias]


def with_epsilon(arrays: Mapping[str, np.ndarray], epsilon: float, own: float = 1e-5) -> Dict[str, np.ndarray]:
    """Returns arrays in which batch normalisations have this package's epsilon, for the same outputs.

    A normalisation divides by sqrt(variance + epsilon), so that the difference goes into the variances.

    Args:
        arrays: by the names here.
        epsilon: the constant with which the network was trained.
        own: the constant of the network here.
    """
    return {name: float_array(array.astype(np.float64) + (epsilon - own)) if name.endswith("_moving_var") else array
            for name, array in arrays.items()}


def with_channels_reversed(weights: Weights) -> Weights:
    """Turns a network that reads blue, green, red into one that reads red, green, blue, as the networks here do.

    The pixel means and deviations of the weights are not changed: they stand for red, green and blue already.
    """
    arrays = {name: np.ascontiguousarray(array[:, ::-1]) if array.ndim == 4 and array.shape[1] == 3 else array
              for name, array in weights.arrays.items()}
    return weights._replace(arrays=arrays, turned=not weights.turned)


def layer_of(name: str) -> str:
    """Returns the name of the layer that a parameter belongs to, such as bn2a_branch1 for bn2a_branch1_moving_mean."""
    return re.sub(r"_(weight|bias|gamma|beta|moving_mean|moving_var)$", "", name)


def shapes_agree(own: Optional[Sequence[int]], saved: Sequence[int]) -> bool:
    """True where a saved array can be a parameter's; an unknown shape (None) or side (0) of it agrees with any."""
    return own is None or (len(own) == len(saved) and all(mine in (0, other) for mine, other in zip(own, saved)))


def listed(lines: Sequence[str], most: int = 5) -> str:
    """Returns the first lines, indented, each behind a line break, and how many follow."""
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return "".join(f"\n  {line}" for line in [*lines[:most], *more])
