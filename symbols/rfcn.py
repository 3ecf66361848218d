"""R-FCN's head: position-sensitive score maps, pooled and averaged (the B1 of the paper's ablation)."""
import mxnet as mx

from .layers import relu

POOLED_SIZE = 7
CHANNELS = 1024


def rfcn(head_map, rois, num_classes, num_reg_classes, lr_mult=3.0, stride=16):
    """Class logits and box deltas of RoIs, nodes `conv_new_1` to `bbox_pred_reshape`.

    Args and returns: as those of `light_head.light_head`.
    """
    out = mx.sym.Convolution(head_map, kernel=(1, 1), num_filter=CHANNELS, lr_mult=lr_mult, name="conv_new_1")
    out = relu(out, "relu1")

    def vote(values, conv_name, pool_name, average_name, reshape_name):
        maps = mx.sym.Convolution(out, kernel=(1, 1), num_filter=POOLED_SIZE ** 2 * values, name=conv_name)
        pooled = mx.sym.contrib.PSROIPooling(maps, rois, group_size=POOLED_SIZE, pooled_size=POOLED_SIZE,
                                             output_dim=values, spatial_scale=1 / stride, name=pool_name)
        average = mx.sym.Pooling(pooled, pool_type="avg", global_pool=True, kernel=(POOLED_SIZE,) * 2,
                                 name=average_name)
        return mx.sym.Reshape(average, shape=(-1, values), name=reshape_name)

    return (vote(num_classes, "rfcn_cls", "psroipooled_cls_rois", "ave_cls_scors_rois", "cls_score_reshape"),
            vote(4 * num_reg_classes, "rfcn_bbox", "psroipooled_loc_rois", "ave_bbox_pred_rois", "bbox_pred_reshape"))
