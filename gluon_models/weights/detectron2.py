"""ResNets of detectron2: colours, pixel means and strides with which they were trained."""
from typing import Dict, Mapping, Tuple

import numpy as np

from .description import Pixels, Weights, with_channels_reversed
from .resnet_names import depth_of, with_caffe_names

# Its defaults for blue, green, red: of its copies of the ResNets of MSRA, and of ResNeXt.
_MEANS, _PLAIN, _DEVIATIONS = (103.53, 116.28, 123.675), (1.0, 1.0, 1.0), (57.375, 57.12, 58.395)
_STAGE_OF_HEAD = "roi_heads.res5."


def with_stage_of_head(backbone: Mapping[str, np.ndarray], tensors: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Adds the last stage to a backbone of which the head has it, as in the models that detectron2 calls C4.

    Args:
        backbone: tensors of the backbone, by names without a prefix.
        tensors: all tensors of the file.
    """
    stage = {} if "res5.0.conv1.weight" in backbone or "res4.0.conv1.weight" not in backbone else {
        f"res5.{name.partition(_STAGE_OF_HEAD)[2]}": tensor for name, tensor in tensors.items()
        if _STAGE_OF_HEAD in name}
    return {**backbone, **stage}


def as_trained(weights: Weights, tensors: Mapping[str, np.ndarray]) -> Weights:
    """Adds to a backbone of detectron2 what its file says, or its defaults are, of colours, pixels and strides.

    Some files hold the pixel means and deviations. Means that rise are those of blue, green, red: the first convolution
    is then turned round, since networks here read red, green, blue. Deviations of 1 are those of MSRA's ResNets, which
    stride in the first 1x1 convolution of a unit; all others stride in the 3x3.

    Args:
        weights: with torchvision's names.
        tensors: all tensors of the file.
    """
    depth = depth_of(weights.arrays) if weights.model.startswith("resnet") else 0
    means = _of_pixels(tensors, "pixel_mean", _MEANS)
    stds = _of_pixels(tensors, "pixel_std", _PLAIN if depth else _DEVIATIONS)
    is_bgr = means[0] <= means[2]
    strides_in_1x1 = bool(depth) and is_bgr and len(set(stds)) == 1
    weights = weights._replace(pixels=Pixels(means[::-1], stds[::-1]) if is_bgr else Pixels(means, stds))
    if is_bgr:
        weights = with_channels_reversed(weights)
    if strides_in_1x1:
        weights = weights._replace(arrays=with_caffe_names(weights.arrays, depth), model=f"resnet{depth}_v1",
                                   settings={"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True})
    source = "its file says" if any(name.endswith("pixel_mean") for name in tensors) else "detectron2 has by default"
    text = (f"A backbone of detectron2, which as {source} reads {'blue, green, red' if is_bgr else 'red, green, blue'}"
            + (": its first convolution is turned round" if is_bgr else "")
            + (f". It is taken to stride in the {'first 1x1' if strides_in_1x1 else '3x3'} convolution of a unit "
               f"(STRIDE_IN_1X1 of its configuration)")
            + ". If its configuration says otherwise: lhrcnn convert, with --rgb or --bgr and --model, and the pixel "
              "means and deviations.")
    return weights._replace(notes=(*weights.notes, text))


def _of_pixels(tensors: Mapping[str, np.ndarray], name: str, default: Tuple[float, ...]) -> Tuple[float, float, float]:
    """Three numbers that a file holds under a name, behind any prefix; the default where it does not."""
    found = next((tensor.ravel() for key, tensor in tensors.items() if key.rpartition(".")[2] == name), np.empty(0))
    first, second, third = (round(float(value), 4) for value in (found if found.size == 3 else default))
    return first, second, third
