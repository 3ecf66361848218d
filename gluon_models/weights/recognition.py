"""Finds out to which network here the arrays of a file belong, by their names and shapes."""
from functools import lru_cache
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from mxnet.gluon import Block

from ...errors import CheckpointError
from .. import registry
from .description import listed, shapes_agree

_Shapes = Mapping[str, Sequence[int]]


def recognised_backbone(arrays: Mapping[str, np.ndarray], at_stride_16: bool = True) -> str:
    """Returns the name of the backbone all of whose parameters are among the arrays, with their shapes.

    Args:
        arrays: by name.
        at_stride_16: look among the backbones of `registry.BACKBONES`; else among those for feature pyramids.

    Returns:
        Of several, the one with the most parameters; empty where there is none.
    """
    table = registry.BACKBONES if at_stride_16 else registry.PYRAMID_BACKBONES
    fitting = [(len(shapes), name) for name in table.names() for shapes in [_backbone_shapes(name, at_stride_16)]
               if _holds(arrays, shapes)]
    return max(fitting)[1] if fitting else ""


def recognised_detector(arrays: Mapping[str, np.ndarray]) -> str:
    """Returns the name of the detector with an RPN whose parameters the arrays are; empty for none.

    The number of classes does not matter. The name ends in "_coco", which says nothing about the classes.
    """
    rpn = "rpn_conv_3x3_weight"
    if rpn not in arrays:
        return ""
    backbones = {True: recognised_backbone(arrays, False), False: recognised_backbone(arrays)}
    fitting = []
    for name, entry in registry.DETECTORS.entries.items():
        backbone = backbones[entry.on_pyramid]
        if backbone and (entry.backbones is None or backbone in entry.backbones):
            shapes = _detector_shapes(name, backbone)
            if rpn in shapes and set(shapes) <= set(arrays) and shapes_agree(shapes[rpn], arrays[rpn].shape):
                fitting.append((len(shapes), f"{name}_{backbone}_coco"))
    return max(fitting)[1] if fitting else ""


def parameter_names(backbone: str) -> List[str]:
    """Returns the names of the parameters of a backbone of stride 16."""
    return list(_backbone_shapes(backbone, True))


def missing_parts(arrays: Mapping[str, np.ndarray], backbone: str) -> List[str]:
    """Returns a line for each parameter of a backbone that the arrays lack or have in another shape."""
    lines = []
    for name, shape in _backbone_shapes(backbone, True).items():
        if name not in arrays:
            lines.append(f"missing: {name} {tuple(shape)}")
        elif not shapes_agree(shape, arrays[name].shape):
            lines.append(f"other shape: {name} is {arrays[name].shape} in the file, {tuple(shape)} in the network")
    return lines


def check_no_others(path: str, network: str, others: Sequence[str]) -> None:
    """Checks that a file that has all layers of a network here has no others among them.

    Such are the layers that tell an SE-ResNet from a ResNet, without which its weights are of no use.

    Args:
        path: of the file, for the message.
        network: name of the network here.
        others: what the file has more, a line each.

    Raises:
        CheckpointError: there are some.
    """
    if others:
        raise CheckpointError(f"{path} holds none of the backbones of this package. It has the layers of {network} and "
                              f"others among them, so that it is another network:{listed(others)}")


def _holds(arrays: Mapping[str, np.ndarray], shapes: _Shapes) -> bool:
    return all(name in arrays and shapes_agree(shape, arrays[name].shape) for name, shape in shapes.items())


@lru_cache(maxsize=None)
def _backbone_shapes(name: str, at_stride_16: bool) -> _Shapes:
    table = registry.BACKBONES if at_stride_16 else registry.PYRAMID_BACKBONES
    return _shapes(table.get(name).build(frozen=True))


@lru_cache(maxsize=None)
def _detector_shapes(name: str, backbone: str) -> _Shapes:
    from ..model_zoo import get_model
    return _shapes(get_model(f"{name}_{backbone}_coco"))


def _shapes(net: Block) -> Dict[str, Optional[Tuple[int, ...]]]:
    skip = len(net.prefix)
    return {name[skip if name.startswith(net.prefix) else 0:]: parameter.shape
            for name, parameter in net.collect_params().items()}
