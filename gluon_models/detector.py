"""What all detectors with an RPN have in common: backbone, RPN, neck, head, choice of detections, in one block."""
from types import ModuleType
from typing import Any, Optional, Sequence, Tuple, Type

import mxnet as mx
from mxnet.gluon import HybridBlock

from ..operators import detections
from ..operators.arrays import Array
from .roi_detector import RoIDetector, whole_input
from .rpn import RPN

POOLED_SIZE = 7


class TwoStageDetector(RoIDetector):
    """A detector in two stages, with the parameter names of the symbolic graphs of the MXNet original.

    Subclasses write `classify` and set `box_sigma`, see `RoIDetector`. Those on a feature pyramid also set `stride`, a
    tuple with the stride of each level, and `rpn_type`.

    Called as `ids, scores, boxes = net(x)` or `net(x, im_info)`, the detector answers like one of GluonCV; see
    `RoIDetector` for the answer.

    Input:
        x: float32 (N, 3, H, W), images in RGB less the pixel means.
        im_info: float32 (N, 3), rows (height, width, scale): height and width of each image in pixels, where images are
            smaller than the batch. Without it every image fills the batch.

    Args:
        backbone: block with `out_channels`, `feature_size` and two outputs, the map for the RPN and that for the head.
        neck: block from the map for the head to the map that the head reads.
        head: block with `reset(num_classes)`, `output_layers` and `hidden_layers`.
        classes: names of the classes; background is not among them.
        class_agnostic: whether all classes share one box of a RoI; else each class has its own.
        rpn_channels: channels of the RPN's 3x3 convolution.
        anchor_ratios: height over width of the anchors, see `operators.anchors.base_anchors`.
        anchor_scales: sides of the anchors in multiples of the stride.
        all_cells: whether all cells of a map propose boxes, those beyond the image among them; see `RPN`.
        pre_nms: proposals of highest score an image (on a pyramid, a level) before suppression.
        post_nms: proposals an image after suppression.
        rpn_nms: IoU above which a proposal suppresses those of lower score.
        rpn_min_size: smallest side of a proposal in pixels of the original image.
        options: `box_means`, `box_stds`, `score_threshold`, `nms`, `max_per_image`, `soft_nms` and `soft_nms_sigma`,
            see `RoIDetector`.
    """

    rpn_type: Type[RPN] = RPN

    def __init__(self, backbone: HybridBlock, neck: HybridBlock, head: HybridBlock, classes: Sequence[str],
                 class_agnostic: bool = True, rpn_channels: int = 512, anchor_ratios: Sequence[float] = (0.5, 1, 2),
                 anchor_scales: Sequence[float] = (4, 8, 16, 32), all_cells: bool = False, pre_nms: int = 6000,
                 post_nms: int = 300, rpn_nms: float = 0.7, rpn_min_size: float = 0, **options: Any):
        super().__init__(classes, class_agnostic, **options)
        self._proposals = dict(pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._post_nms = post_nms
        with self.name_scope():
            self.features = backbone
            self.rpn = self.rpn_type(backbone.out_channels[0], rpn_channels, anchor_ratios, anchor_scales, self.stride,
                                     all_cells)
            self.neck, self.head = neck, head

    @property
    def output_layers(self) -> Tuple[HybridBlock, ...]:
        """The layers that answer scores and box deltas: those of the RPN and those of the head."""
        return (self.rpn.score, self.rpn.box, *super().output_layers)

    @property
    def hidden_layers(self) -> Tuple[HybridBlock, ...]:
        """All layers between the backbone and the output layers: of the RPN, of the neck and of the head."""
        return (self.rpn.conv, self.neck, *super().hidden_layers)

    def forward(self, x: Array, im_info: Optional[Array] = None) -> Any:
        # The graph of a hybridized block has the same inputs in every call.
        if im_info is None and isinstance(x, mx.nd.NDArray):
            with x.context:
                im_info = whole_input(mx.nd, x)
        return super().forward(x, im_info)

    def hybrid_forward(self, F: ModuleType, x: Array, im_info: Optional[Array] = None) -> Tuple[Array, Array, Array]:
        return self.suppress(F, *self.candidates(F, x, im_info))

    def candidates(self, F: ModuleType, x: Array, im_info: Optional[Array] = None) -> Tuple[Array, Array, Array]:
        """Returns the scores and boxes of all RoIs, from which `suppress` chooses detections.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            x, im_info: see `TwoStageDetector`.

        Returns:
            scores: float32 (N, R, classes + 1), probabilities, background first; R = `post_nms`.
            boxes: float32 (N, R, 4), or (N, R, 4 * (classes + 1)) where each class has a box of its own; rows (x1, y1,
                x2, y2) in pixels of the network input, far ends inclusive, clipped to the image.
            counts: float32 (N,), how many RoIs each image has. They are its first rows; the others are padding.
        """
        if im_info is None:
            im_info = whole_input(F, x)
        rpn_map, head_map = self.features(x)
        rois, counts = self.rpn.propose(F, *self.rpn(rpn_map), im_info, **self._proposals)
        logits, deltas = self.classify(F, head_map, rois)
        return (*self._decode(F, rois, logits, deltas, im_info), counts)

    def _decode(self, F: ModuleType, rois: Array, logits: Array, deltas: Array, im_info: Array) -> Tuple[Array, Array]:
        """Scores and boxes of RoIs, as `candidates` returns them."""
        num_classes = len(self.classes) + 1
        scores = F.reshape(self.class_scores(F, logits), shape=(-1, self._post_nms, num_classes))
        return scores, detections.class_boxes(F, rois, deltas, im_info, self._post_nms, num_classes,
                                              self.class_agnostic, **self.decoding)
