"""The networks of the MXNet original, and the paper's setting S in their manner, registered under their names."""
from functools import partial
from typing import Any

from ..errors import ModelError
from .detector_graphs import DetectorGraphs
from .light_head import light_head
from .registry import register_symbol
from .resnet import resnet_v1
from .rfcn import rfcn
from .xception import xception

# Pixels of the network input from one cell of a map to the next, in both backbones.
STRIDE = 16
NORMS = ("frozen", "batch")


@register_symbol("resnet_v1_101_rfcn_light")
def light_head_resnet101(norm: str = "frozen", stride_in_1x1: bool = True, relu: str = "inside",
                         roi_pool: str = "psroi_pool", neck_lr_mult: float = 3.0, **options: Any) -> DetectorGraphs:
    """Light-Head R-CNN on ResNet-101: the paper's setting L.

    Args:
        norm: "frozen": batch normalisation uses its moving statistics in training, too. "batch": it uses those of the
            batch.
        stride_in_1x1: see `resnet.resnet_v1`.
        relu, roi_pool: see `light_head.light_head`.
        neck_lr_mult: factor of the learning rate of the convolutions between the backbone and the pooling of RoIs.
        options: see `DetectorGraphs`.
    """
    backbone = partial(resnet_v1, depth=101, frozen=_is_frozen(norm), stride_in_1x1=stride_in_1x1)
    head = partial(light_head, mid_channels=256, lr_mult=neck_lr_mult, relu=relu, roi_pool=roi_pool, stride=STRIDE)
    return DetectorGraphs(backbone, head, rpn_channels=512, box_sigma=2.0, stride=STRIDE, **options)


@register_symbol("xception_rfcn_light")
def light_head_xception(norm: str = "frozen", relu: str = "inside", roi_pool: str = "psroi_pool",
                        neck_lr_mult: float = 3.0, **options: Any) -> DetectorGraphs:
    """Light-Head R-CNN on the Xception-like backbone: the paper's setting S. Arguments: see `light_head_resnet101`."""
    backbone = partial(xception, frozen=_is_frozen(norm))
    head = partial(light_head, mid_channels=64, lr_mult=neck_lr_mult, relu=relu, roi_pool=roi_pool, stride=STRIDE)
    return DetectorGraphs(backbone, head, rpn_channels=256, box_sigma=2.0, stride=STRIDE, **options)


@register_symbol("resnet_v1_101_rfcn")
def rfcn_resnet101(norm: str = "frozen", stride_in_1x1: bool = True, neck_lr_mult: float = 3.0,
                   **options: Any) -> DetectorGraphs:
    """R-FCN on ResNet-101: the paper's B1. Arguments: see `light_head_resnet101`."""
    backbone = partial(resnet_v1, depth=101, frozen=_is_frozen(norm), stride_in_1x1=stride_in_1x1)
    head = partial(rfcn, lr_mult=neck_lr_mult, stride=STRIDE)
    return DetectorGraphs(backbone, head, rpn_channels=512, box_sigma=1.0, stride=STRIDE, **options)


def _is_frozen(norm: str) -> bool:
    if norm not in NORMS:
        raise ModelError(f"norm is {norm!r}; known: {', '.join(NORMS)}")
    return norm == "frozen"
