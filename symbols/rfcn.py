"""R-FCN's head: position-sensitive score maps, pooled and averaged (the B1 of the paper's ablation)."""
from typing import Tuple

import mxnet as mx

from .layers import relu

POOLED_SIZE = 7
CHANNELS = 1024


def rfcn(head_map: mx.sym.Symbol, rois: mx.sym.Symbol, num_classes: int, num_reg_classes: int, lr_mult: float = 3.0,
         stride: int = 16) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns class logits and box deltas of RoIs, nodes `conv_new_1` to `bbox_pred_reshape`.

    Args:
        head_map, rois, num_classes, num_reg_classes, stride: see `light_head.light_head`.
        lr_mult: factor of the learning rate of `conv_new_1`.

    Returns:
        (R, num_classes), background first, and (R, 4 * num_reg_classes) in units of the targets' standard deviations.
    """
    out = mx.sym.Convolution(head_map, kernel=(1, 1), num_filter=CHANNELS, lr_mult=lr_mult, name="conv_new_1")
    out = relu(out, "relu1")

    def vote(values: int, conv_name: str, pool_name: str, average_name: str, reshape_name: str) -> mx.sym.Symbol:
        maps = mx.sym.Convolution(out, kernel=(1, 1), num_filter=POOLED_SIZE ** 2 * values, name=conv_name)
        pooled = mx.sym.contrib.PSROIPooling(maps, rois, group_size=POOLED_SIZE, pooled_size=POOLED_SIZE,
                                             output_dim=values, spatial_scale=1 / stride, name=pool_name)
        average = mx.sym.Pooling(pooled, pool_type="avg", global_pool=True, kernel=(POOLED_SIZE,) * 2,
                                 name=average_name)
        return mx.sym.Reshape(average, shape=(-1, values), name=reshape_name)

    return (vote(num_classes, "rfcn_cls", "psroipooled_cls_rois", "ave_cls_scors_rois", "cls_score_reshape"),
            vote(4 * num_reg_classes, "rfcn_bbox", "psroipooled_loc_rois", "ave_bbox_pred_rois", "bbox_pred_reshape"))
