"""The graphs of a detector: the whole one, its proposal network alone, and the rest of it on given RoIs."""
from typing import Any, Callable, Sequence, Tuple

import mxnet as mx

from ..errors import ModelError
from ..operators import custom  # noqa: F401  (registers the operators that the graphs name)
from . import rcnn, rpn

Variable = mx.sym.Variable


class DetectorGraphs:
    """Builds the graphs of one detector, with the nodes of the MXNet original.

    All sizes that are in pixels are in pixels of the network input, unless they say otherwise. The default values are
    those of the MXNet original for COCO.

    Args:
        backbone: function from the images (N, 3, H, W) to the map for the RPN and the map for the head.
        head: function of (head map, rois, num_classes, num_reg_classes) that returns class logits and box deltas of the
            RoIs, such as `light_head.light_head`.
        rpn_channels: channels of the RPN's 3x3 convolution.
        box_sigma: `scalar` of the smooth L1 loss of the head's boxes.
        stride: pixels from one cell of the map for the RPN to the next.
        num_classes: number of classes with background.
        class_agnostic: whether all classes share one box of a RoI; else each class has its own.
        anchor_ratios: height over width of the anchors.
        anchor_scales: sides of the anchors in multiples of the stride.
        images: N, images of a batch on one device.
        proposal_operator: "contrib", "custom" or "native", see `rpn.rpn_proposals`.
        pre_nms: proposals of highest score an image before suppression.
        post_nms: proposals an image after suppression.
        rpn_nms: IoU above which a proposal suppresses those of lower score.
        rpn_min_size: smallest side of a proposal in pixels of the original image.
        rpn_batch_size: anchors of an image that are sampled in training.
        roi_batch_size: RoIs to draw for every image in training, or -1 for all.
        fg_fraction: share of foreground among the RoIs drawn, at most.
        fg_iou: IoU from which a RoI takes the class of the ground truth that it overlaps most.
        bg_iou_high, bg_iou_low: other RoIs whose largest IoU is in [low, high) are background.
        box_means, box_stds: four numbers each that are subtracted from the box targets, and that divide them then.
        box_weights: factors of the four box targets in the loss.
        ohem: RoIs of largest loss an image that training keeps, or 0 to mine none.
        box_loss_weight: factor of the head's box loss.

    Raises:
        ModelError: fewer than two classes; or, in training, neither `ohem` nor `roi_batch_size` says how many RoIs
            count.
    """

    def __init__(self, backbone: Callable, head: Callable, rpn_channels: int, box_sigma: float, stride: int,
                 num_classes: int = 81, class_agnostic: bool = True, anchor_ratios: Sequence[float] = (0.5, 1, 2),
                 anchor_scales: Sequence[float] = (4, 8, 16, 32), images: int = 1, proposal_operator: str = "contrib",
                 pre_nms: int = 6000, post_nms: int = 300, rpn_nms: float = 0.7, rpn_min_size: float = 0,
                 rpn_batch_size: int = 256, roi_batch_size: int = -1, fg_fraction: float = 0.25, fg_iou: float = 0.5,
                 bg_iou_high: float = 0.5, bg_iou_low: float = 0.0, box_means: Sequence[float] = (0.0, 0.0, 0.0, 0.0),
                 box_stds: Sequence[float] = (0.1, 0.1, 0.2, 0.2),
                 box_weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0), ohem: int = 128, box_loss_weight: float = 1.0):
        if num_classes < 2:
            raise ModelError(f"num_classes is {num_classes}; a graph needs the number of classes, with background")
        self._backbone, self._head = backbone, head
        self._classes = dict(num_classes=num_classes, num_reg_classes=2 if class_agnostic else num_classes)
        self._rpn = dict(channels=rpn_channels, num_anchors=len(anchor_ratios) * len(anchor_scales))
        self._images, self._rpn_batch_size = images, rpn_batch_size
        self._proposals = dict(operator=proposal_operator, stride=stride, scales=anchor_scales, ratios=anchor_ratios,
                               pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._targets = dict(batch_size=roi_batch_size, fg_fraction=fg_fraction, fg_iou=fg_iou,
                             bg_iou_high=bg_iou_high, bg_iou_low=bg_iou_low, means=box_means, stds=box_stds,
                             weights=box_weights)
        self._losses = dict(ohem=ohem, roi_batch_size=roi_batch_size, box_sigma=box_sigma,
                            box_loss_weight=box_loss_weight)

    def train(self) -> mx.sym.Symbol:
        """Returns the whole graph in training.

        Its inputs are `data` (N, 3, H, W), `im_info` (N, 3), `gt_boxes` (N, M, 5) and the targets of the anchors,
        `label` (N, A * h * w), `bbox_target` and `bbox_weight` (N, 4 * A, h, w), see `rpn.rpn_losses` and
        `rcnn.roi_targets`. Its outputs are `rpn_cls_prob`, `rpn_bbox_loss`, `cls_prob_reshape`, `bbox_loss_reshape`
        and, without a gradient, the labels of the RoIs (N, K / N), -1 for those that do not count.
        """
        rpn_map, head_map = self._backbone(Variable("data"))
        logits, deltas = rpn.rpn_layers(rpn_map, **self._rpn)
        rpn_outputs = self._rpn_losses(logits, deltas)
        rois = rpn.rpn_proposals(logits, deltas, Variable("im_info"), is_train=True, images=self._images,
                                 **self._proposals)
        rois, label, target, weight = rcnn.roi_targets(rois, Variable("gt_boxes"), self._classes["num_reg_classes"],
                                                       self._images, **self._targets)
        prob, loss, label = self._head_losses(head_map, rois, label, target, weight)
        label = mx.sym.Reshape(label, shape=(self._images, -1), name="label_reshape")
        return mx.sym.Group([*rpn_outputs, prob, loss, mx.sym.BlockGrad(label)])

    def test(self) -> mx.sym.Symbol:
        """Returns the whole graph at test.

        Its inputs are `data` (N, 3, H, W) and `im_info` (N, 3). Its outputs are `rois` (N * R, 5), `cls_prob_reshape`
        (N, R, num_classes) and `bbox_pred_reshape` (N, R, 4 * num_reg_classes).
        """
        rpn_map, head_map = self._backbone(Variable("data"))
        rois = self._test_proposals(rpn_map)
        return mx.sym.Group([rois, *self._head_outputs(head_map, rois)])

    def train_rpn(self) -> mx.sym.Symbol:
        """Returns the graph of the proposal network in training, for alternate training.

        Its inputs are `data`, `label`, `bbox_target` and `bbox_weight`, as those of `train`. Its outputs are
        `rpn_cls_prob` and `rpn_bbox_loss`.
        """
        logits, deltas = rpn.rpn_layers(self._backbone(Variable("data"))[0], **self._rpn)
        return mx.sym.Group(list(self._rpn_losses(logits, deltas, grad_scale=1.0)))

    def test_rpn(self) -> mx.sym.Symbol:
        """Returns the graph of the proposal network at test.

        Its inputs are `data` and `im_info`. Its outputs are `rois` (N * R, 5) and their scores (N * R, 1).
        """
        return mx.sym.Group(list(self._test_proposals(self._backbone(Variable("data"))[0], output_score=True)))

    def train_rcnn(self) -> mx.sym.Symbol:
        """Returns the graph of the backbone and the head on given RoIs in training, for alternate training.

        Its inputs are `data`, `rois` (N, K / N, 5), and the targets of the RoIs: `label` (N, K / N), `bbox_target` and
        `bbox_weight` (N, K / N, 4 * num_reg_classes). Its outputs are `cls_prob_reshape`, `bbox_loss_reshape` and, with
        hard example mining, the labels (K,), -1 for RoIs that do not count.
        """
        columns = 4 * self._classes["num_reg_classes"]
        rois, label, target, weight = (
            mx.sym.Reshape(Variable(name), shape=shape, name=f"{name}_reshape")
            for name, shape in (("rois", (-1, 5)), ("label", (-1,)), ("bbox_target", (-1, columns)),
                                ("bbox_weight", (-1, columns))))
        head_map = self._backbone(Variable("data"))[1]
        prob, loss, label = self._head_losses(head_map, rois, label, target, weight, grad_scale=1.0)
        return mx.sym.Group([prob, loss] + ([mx.sym.BlockGrad(label)] if self._losses["ohem"] else []))

    def test_rcnn(self) -> mx.sym.Symbol:
        """Returns the graph of the backbone and the head on given RoIs at test.

        Its inputs are `data` and `rois` (N, R, 5). Its outputs are `cls_prob_reshape` and `bbox_pred_reshape`, as those
        of `test`.
        """
        rois = mx.sym.Reshape(Variable("rois"), shape=(-1, 5), name="rois_reshape")
        return mx.sym.Group(list(self._head_outputs(self._backbone(Variable("data"))[1], rois)))

    def _rpn_losses(self, logits: mx.sym.Symbol, deltas: mx.sym.Symbol, **softmax: Any) -> Tuple[mx.sym.Symbol, ...]:
        return rpn.rpn_losses(logits, deltas, *map(Variable, ("label", "bbox_target", "bbox_weight")),
                              batch_size=self._rpn_batch_size, images=self._images, **softmax)

    def _test_proposals(self, rpn_map: mx.sym.Symbol, **options: Any) -> Any:
        logits, deltas = rpn.rpn_layers(rpn_map, **self._rpn)
        return rpn.rpn_proposals(logits, deltas, Variable("im_info"), is_train=False, images=self._images,
                                 **self._proposals, **options)

    def _head_losses(self, head_map: mx.sym.Symbol, rois: mx.sym.Symbol, label: mx.sym.Symbol, target: mx.sym.Symbol,
                     weight: mx.sym.Symbol, **softmax: Any) -> Tuple[mx.sym.Symbol, ...]:
        if not self._losses["ohem"] and self._losses["roi_batch_size"] < 1:
            raise ModelError(f"roi_batch_size is {self._losses['roi_batch_size']}: without ohem it must be at least 1")
        logits, deltas = self._head(head_map, rois, **self._classes)
        return rcnn.head_losses(logits, deltas, label, target, weight, images=self._images, **self._classes,
                                **self._losses, **softmax)

    def _head_outputs(self, head_map: mx.sym.Symbol, rois: mx.sym.Symbol) -> Tuple[mx.sym.Symbol, ...]:
        return rcnn.head_outputs(*self._head(head_map, rois, **self._classes), images=self._images, **self._classes)
