"""Fast R-CNN (Girshick, arXiv 1504.08083): RoIs from outside, RoI pooling and the hidden layers of a classifier."""
from types import ModuleType
from typing import Any, Sequence, Tuple

from mxnet.gluon import HybridBlock

from ..errors import ModelError
from ..operators import detections
from ..operators.arrays import Array
from .heads import FastRCNNHead
from .registry import register_detector
from .roi_detector import RoIDetector
from .roi_pools import max_pool_rois

# Of VGG-16, and of backbones that do not say what their classifier has.
POOL_LEVELS, HIDDEN = (7,), (4096, 4096)


@register_detector("fast_rcnn")
class FastRCNN(RoIDetector):
    """Fast R-CNN. It has no RPN: the RoIs of each image are an input.

    Called as `ids, scores, boxes = net(x, im_info, rois)`; see `RoIDetector` for the answer.

    Input:
        x: float32 (N, 3, H, W), images in RGB less the pixel means.
        im_info: float32 (N, 3), rows (height, width, scale): height and width of each image in pixels.
        rois: float32 (N, R, 4), rows (x1, y1, x2, y2) in pixels of the network input, far ends inclusive. Rows of -1
            are padding; no detection comes from them.

    Args:
        backbone: block with `out_channels`, `feature_size` and two outputs, of which the second, the map for the head,
            is read. Its attributes `pool_levels` and `hidden`, where it has them, are what its classifier has.
        classes: names of the classes; background is not among them.
        class_agnostic: see `RoIDetector`.
        pool_levels: bins along each side of a RoI, by level of the pyramid of bins. One level is RoI pooling; with
            several, such as (4, 2, 1), the bins of all levels are joined (He et al., arXiv 1406.4729, section 2.2).
            Empty for what the backbone's classifier has: (6,) on CaffeNet and VGG_CNN_M_1024, else (7,).
        hidden: units of each hidden layer. Empty for what the backbone's classifier has: (4096, 1024) on
            VGG_CNN_M_1024, else (4096, 4096).
        dropout: share of the values behind each hidden layer that are set to 0 in training.
        options: see `RoIDetector`.

    Raises:
        ModelError: a level or a layer of less than one bin or unit, or `dropout` is not a share.
    """

    needs_proposals = True
    box_sigma = 1.0

    def __init__(self, backbone: HybridBlock, classes: Sequence[str], class_agnostic: bool = False,
                 pool_levels: Sequence[int] = (), hidden: Sequence[int] = (), dropout: float = 0.5, **options: Any):
        super().__init__(classes, class_agnostic, **options)
        self.pool_levels = tuple(pool_levels or getattr(backbone, "pool_levels", POOL_LEVELS))
        hidden = tuple(hidden or getattr(backbone, "hidden", HIDDEN))
        for name, sizes in (("pool_levels", self.pool_levels), ("hidden", hidden)):
            if min(sizes) < 1:
                raise ModelError(f"{name} is {list(sizes)}: all of them must be at least 1")
        if not 0 <= dropout < 1:
            raise ModelError(f"dropout is {dropout}: it must be at least 0 and less than 1")
        values = backbone.out_channels[1] * sum(bins ** 2 for bins in self.pool_levels)
        with self.name_scope():
            self.features = backbone
            self.head = FastRCNNHead(len(self.classes) + 1, class_agnostic, values, hidden, dropout)

    def forward(self, x: Array, *args: Array) -> Any:
        if len(args) != 2:
            raise ModelError(f"a Fast R-CNN is called as net(x, im_info, rois), with three arrays; it got "
                             f"{1 + len(args)}. It has no RPN: rois are proposals, see docs/fast-rcnn/proposals.md")
        return super().forward(x, *args)

    def hybrid_forward(self, F: ModuleType, x: Array, im_info: Array, rois: Array) -> Tuple[Array, Array, Array]:
        return self.suppress(F, *self.candidates(F, x, im_info, rois))

    def candidates(self, F: ModuleType, x: Array, im_info: Array, rois: Array) -> Tuple[Array, Array, Array]:
        """Returns the scores and boxes of all RoIs, from which `suppress` chooses detections.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            x, im_info, rois: see `FastRCNN`.

        Returns:
            scores: float32 (N, R, classes + 1), probabilities, background first; zeros for padding.
            boxes: float32 (N, R, 4 * (classes + 1)), or (N, R, 4) where all classes share a box; rows (x1, y1, x2, y2)
                in pixels of the network input, far ends inclusive, clipped to the image.
            counts: float32 (N,), how many rows of each image there are up to the last one that is not padding.
        """
        is_real = F.slice_axis(rois, axis=2, begin=2, end=3) >= 0
        image = F.broadcast_add(F.zeros_like(is_real), F.reshape(F.contrib.arange_like(rois, axis=0), shape=(-1, 1, 1)))
        with_image = F.concat((image + 1) * is_real - 1, rois, dim=2)
        logits, deltas = self.classify(F, self.features(x)[1], F.reshape(with_image, shape=(-3, 0)))
        place = F.reshape(F.contrib.arange_like(rois, axis=1), shape=(1, -1, 1))
        counts = F.max(F.broadcast_mul(is_real, place + 1), axis=(1, 2))
        scores, boxes = self._decode(F, rois, logits, deltas, im_info)
        return F.broadcast_mul(scores, is_real), boxes, counts

    def classify(self, F: ModuleType, head_map: Array, rois: Array) -> Tuple[Array, Array]:
        return self.head(self.pool(F, head_map, rois))

    def pool(self, F: ModuleType, head_map: Array, rois: Array) -> Array:
        """Pools RoIs.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            head_map, rois: see `RoIDetector.classify`.

        Returns:
            float32 (R, what the head reads).
        """
        levels = [F.flatten(max_pool_rois(F, head_map, rois, self.stride, bins)) for bins in self.pool_levels]
        return F.concat(*levels, dim=1) if len(levels) > 1 else levels[0]

    def _decode(self, F: ModuleType, rois: Array, logits: Array, deltas: Array, im_info: Array) -> Tuple[Array, Array]:
        """Scores and boxes of RoIs (N, R, 4), as `candidates` returns them, from the head's N * R rows."""
        scores, deltas = (F.reshape_like(rows, rois, lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2)
                          for rows in (self.class_scores(F, logits), deltas))
        boxes = detections.decode_boxes(F, F.expand_dims(rois, axis=2), F.reshape(deltas, shape=(0, 0, -1, 4)), im_info,
                                        self.class_agnostic, **self.decoding)
        return scores, boxes
