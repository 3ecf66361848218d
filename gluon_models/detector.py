"""What all detectors have in common: backbone, RPN, neck, head and the choice of detections, in one hybrid block."""
from types import ModuleType
from typing import Optional, Sequence, Tuple, Type, Union

from mxnet.gluon import HybridBlock

from ..operators import detections
from ..operators.arrays import Array
from .rpn import RPN

POOLED_SIZE = 7


class TwoStageDetector(HybridBlock):
    """A detector in two stages, with the parameter names of the symbolic graphs of the MXNet original.

    Subclasses write `classify` and set `box_sigma`, the `scalar` of the smooth L1 loss of their head's boxes. Those on
    a feature pyramid also set `stride`, a tuple with the stride of each level, and `rpn_type`.

    Called as `ids, scores, boxes = net(x)` or `net(x, im_info)`, the detector answers like one of GluonCV.

    Input:
        x: float32 (N, 3, H, W), images in RGB less the pixel means.
        im_info: float32 (N, 3), rows (height, width, scale): height and width of each image in pixels, where images are
            smaller than the batch. Without it every image fills the batch.

    Output, K = `max_per_image` rows an image, best first, filled with -1 where fewer boxes are found:
        ids: float32 (N, K, 1), index of the class in `classes`.
        scores: float32 (N, K, 1), probabilities.
        boxes: float32 (N, K, 4), rows (x1, y1, x2, y2) in pixels of the network input, far ends inclusive.

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
        box_means: four numbers that were subtracted from the head's box targets in training.
        box_stds: four numbers that the targets were divided by. A checkpoint of the MXNet original that has means and
            deviations folded into its weights wants zeros and ones.
        pre_nms: proposals of highest score an image (on a pyramid, a level) before suppression.
        post_nms: proposals an image after suppression.
        rpn_nms: IoU above which a proposal suppresses those of lower score.
        rpn_min_size: smallest side of a proposal in pixels of the original image.
        score_threshold: probability that a detection must exceed.
        nms: IoU above which a detection suppresses those of its class with lower scores.
        max_per_image: detections an image, at most.
        soft_nms: "none", "linear" or "gaussian", see `soft` of `operators.multiclass_nms`.
        soft_nms_sigma: see `sigma` of `operators.multiclass_nms`.
    """

    stride: Union[int, Tuple[int, ...]] = 16
    rpn_type: Type[RPN] = RPN
    box_sigma: float

    def __init__(self, backbone: HybridBlock, neck: HybridBlock, head: HybridBlock, classes: Sequence[str],
                 class_agnostic: bool = True, rpn_channels: int = 512, anchor_ratios: Sequence[float] = (0.5, 1, 2),
                 anchor_scales: Sequence[float] = (4, 8, 16, 32), all_cells: bool = False,
                 box_means: Sequence[float] = (0.0, 0.0, 0.0, 0.0), box_stds: Sequence[float] = (0.1, 0.1, 0.2, 0.2),
                 pre_nms: int = 6000, post_nms: int = 300, rpn_nms: float = 0.7, rpn_min_size: float = 0,
                 score_threshold: float = 0.001, nms: float = 0.3, max_per_image: int = 100, soft_nms: str = "none",
                 soft_nms_sigma: float = 0.5):
        super().__init__(prefix="")
        self.classes = tuple(classes)
        self.class_agnostic = class_agnostic
        self.box_means, self.box_stds = tuple(box_means), tuple(box_stds)
        self._proposals = dict(pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._post_nms = post_nms
        self._suppression = dict(score_threshold=score_threshold, nms=nms, max_per_image=max_per_image,
                                 soft_nms=soft_nms, soft_nms_sigma=soft_nms_sigma)
        with self.name_scope():
            self.features = backbone
            self.rpn = self.rpn_type(backbone.out_channels[0], rpn_channels, anchor_ratios, anchor_scales, self.stride,
                                     all_cells)
            self.neck, self.head = neck, head

    @property
    def backbone(self) -> HybridBlock:
        """The block whose parameters a pretrained classifier has, too."""
        return self.features

    def reset_class(self, classes: Sequence[str]) -> None:
        """Makes the detector one of other classes: new output layers of the head, to be initialised and trained.

        The losses of this detector (`DetectorLosses`) must be built anew, too.

        Args:
            classes: names of the classes; background is not among them.
        """
        self._clear_cached_op()
        self.classes = tuple(classes)
        self.head.reset(len(self.classes) + 1)

    def classify(self, F: ModuleType, head_map: Array, rois: Array) -> Tuple[Array, Array]:
        """Returns class logits and box deltas of RoIs.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            head_map: float32 (N, C, h, w), the backbone's map for the head; on a pyramid a tuple of one a level.
            rois: float32 (R, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network input.

        Returns:
            logits: float32 (R, classes + 1), background first.
            deltas: float32 (R, 4 * regression classes), in units of `box_stds`; there are two regression classes
                (background and one for all) where the boxes are class-agnostic, else classes + 1.
        """
        raise NotImplementedError

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
            im_info = _whole_input(F, x)
        rpn_map, head_map = self.features(x)
        rois, counts = self.rpn.propose(F, *self.rpn(rpn_map), im_info, **self._proposals)
        logits, deltas = self.classify(F, head_map, rois)
        return (*self._decode(F, rois, logits, deltas, im_info), counts)

    def suppress(self, F: ModuleType, scores: Array, boxes: Array,
                 counts: Optional[Array] = None) -> Tuple[Array, Array, Array]:
        """Chooses detections: those above the threshold that non-maximum suppression leaves, the best of each image.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            scores, boxes, counts: as `candidates` returns them, with any number R of rows. Without counts all rows are
                candidates.

        Returns:
            ids, scores and boxes as the detector itself answers them, boxes in the frame of those given.
        """
        return detections.suppress(F, scores, boxes, counts, **self._suppression)

    def _decode(self, F: ModuleType, rois: Array, logits: Array, deltas: Array, im_info: Array) -> Tuple[Array, Array]:
        """Scores and boxes of RoIs, as `candidates` returns them."""
        num_classes = len(self.classes) + 1
        scores = F.reshape(F.softmax(logits, axis=1), shape=(-1, self._post_nms, num_classes))
        return scores, detections.class_boxes(F, rois, deltas, im_info, self._post_nms, num_classes,
                                              self.class_agnostic, self.box_means, self.box_stds)


def _whole_input(F: ModuleType, x: Array) -> Array:
    """The im_info (N, 3) of images that fill the batch x (N, 3, H, W), of scale 1."""
    size = F.cast(F.slice_axis(F.shape_array(x), axis=0, begin=2, end=4), "float32")
    info = F.reshape(F.concat(size, F.ones(1), dim=0), shape=(1, 3))
    return F.broadcast_like(info, F.reshape(x, shape=(0, -1)), lhs_axes=(0,), rhs_axes=(0,))
