"""What all detectors have in common, wherever their RoIs come from: classes, boxes and the choice of detections."""
from types import ModuleType
from typing import Dict, Optional, Sequence, Tuple, Union

from mxnet.gluon import HybridBlock

from ..errors import ModelError
from ..operators import detections
from ..operators.arrays import Array


CLASS_SCORES = ("softmax", "one_vs_rest")


class RoIDetector(HybridBlock):
    """A detector that classifies RoIs of an image. Its answers are those of one of GluonCV.

    Subclasses set the blocks `features`, the backbone, and `head`; they write `classify`, and set `box_sigma`, the
    `scalar` of the smooth L1 loss of their head's boxes.

    Output, K = `max_per_image` rows an image, best first, filled with -1 where fewer boxes are found:
        ids: float32 (N, K, 1), index of the class in `classes`.
        scores: float32 (N, K, 1), probabilities.
        boxes: float32 (N, K, 4), rows (x1, y1, x2, y2) in pixels of the network input, far ends inclusive.

    Args:
        classes: names of the classes; background is not among them.
        class_agnostic: whether all classes share one box of a RoI; else each class has its own.
        box_means: four numbers that were subtracted from the head's box targets in training.
        box_stds: four numbers that the targets were divided by. A checkpoint of the MXNet original that has means and
            deviations folded into its weights wants zeros and ones.
        score_threshold: probability that a detection must exceed.
        nms: IoU above which a detection suppresses those of its class with lower scores.
        max_per_image: detections an image, at most.
        soft_nms: "none", "linear" or "gaussian", see `soft` of `operators.multiclass_nms`.
        soft_nms_sigma: see `sigma` of `operators.multiclass_nms`.
        class_scores: what makes scores of the class logits: "softmax", probabilities of classes that exclude each
            other, or "one_vs_rest", the logistic function of each logit, where they are the margins of support vector
            machines (Fast R-CNN, section 5.4).
        box_regression: whether detections have the boxes that the head predicts; else those of their RoIs.

    Raises:
        ModelError: `class_scores` is another word, `classes` is no list of different names, or `box_means` or
            `box_stds` are not four numbers.

    Attributes:
        needs_proposals: whether the RoIs come from outside, as a third input.
        features: the backbone, a block with `out_channels`, `feature_size` and the maps as outputs.
        head: block with `reset(num_classes)`, `output_layers` and `hidden_layers`.
        stride: pixels of the network input from one cell of the map that the head reads to the next; on a pyramid a
            tuple with the stride of each level.
    """

    needs_proposals = False
    stride: Union[int, Tuple[int, ...]] = 16
    box_sigma: float
    features: HybridBlock
    head: HybridBlock

    def __init__(self, classes: Sequence[str], class_agnostic: bool = True,
                 box_means: Sequence[float] = (0.0, 0.0, 0.0, 0.0), box_stds: Sequence[float] = (0.1, 0.1, 0.2, 0.2),
                 score_threshold: float = 0.001, nms: float = 0.3, max_per_image: int = 100, soft_nms: str = "none",
                 soft_nms_sigma: float = 0.5, class_scores: str = "softmax",
                 box_regression: bool = True):
        super().__init__(prefix="")
        if class_scores not in CLASS_SCORES:
            raise ModelError(f"class_scores is {class_scores!r}; known: {', '.join(CLASS_SCORES)}")
        self._class_scores, self._box_regression = class_scores, box_regression
        for name, numbers in (("box_means", box_means), ("box_stds", box_stds)):
            if len(numbers) != 4:
                raise ModelError(f"{name} is {list(numbers)}: it must be four numbers, of dx, dy, dw and dh")
        self.classes = _checked_classes(classes)
        self.class_agnostic = class_agnostic
        self.box_means, self.box_stds = tuple(box_means), tuple(box_stds)
        self._suppression = dict(score_threshold=score_threshold, nms=nms, max_per_image=max_per_image,
                                 soft_nms=soft_nms, soft_nms_sigma=soft_nms_sigma)

    @property
    def backbone(self) -> HybridBlock:
        """The block whose parameters a pretrained classifier has, too."""
        return self.features

    @property
    def output_layers(self) -> Tuple[HybridBlock, ...]:
        """The layers that answer scores and box deltas."""
        return tuple(self.head.output_layers)

    @property
    def hidden_layers(self) -> Tuple[HybridBlock, ...]:
        """All layers between the backbone and the output layers."""
        return tuple(self.head.hidden_layers)

    def reset_class(self, classes: Sequence[str]) -> None:
        """Makes the detector one of other classes: new output layers of the head, to be initialised and trained.

        The losses of this detector must be built anew, too.

        Args:
            classes: names of the classes; background is not among them.

        Raises:
            ModelError: it is no list of different names.
        """
        self.classes = _checked_classes(classes)
        self._clear_cached_op()
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

    def class_scores(self, F: ModuleType, logits: Array) -> Array:
        """Returns the scores of class logits (R, classes + 1), as the option `class_scores` says."""
        return F.softmax(logits, axis=1) if self._class_scores == "softmax" else F.sigmoid(logits)

    @property
    def decoding(self) -> Dict[str, Sequence[float]]:
        """The arguments `means` and `stds` of `operators.detections.decode_boxes`."""
        if not self._box_regression:
            return dict(means=(0.0,) * 4, stds=(0.0,) * 4)
        return dict(means=self.box_means, stds=self.box_stds)

    def suppress(self, F: ModuleType, scores: Array, boxes: Array,
                 counts: Optional[Array] = None) -> Tuple[Array, Array, Array]:
        """Chooses detections: those above the threshold that non-maximum suppression leaves, the best of each image.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            scores, boxes, counts: as the method `candidates` returns them, with any number R of rows. Without counts
                all rows are candidates.

        Returns:
            ids, scores and boxes as the detector itself answers them, boxes in the frame of those given.
        """
        return detections.suppress(F, scores, boxes, counts, **self._suppression)


def _checked_classes(classes: Sequence[str]) -> Tuple[str, ...]:
    names = () if isinstance(classes, str) else tuple(classes)
    if not names or len(set(names)) != len(names):
        raise ModelError(f"classes is {classes!r}: it must be a list of one or more names, none of them twice")
    return names


def whole_input(F: ModuleType, x: Array) -> Array:
    """Returns the im_info (N, 3) of images that fill the batch x (N, 3, H, W), of scale 1."""
    size = F.cast(F.slice_axis(F.shape_array(x), axis=0, begin=2, end=4), "float32")
    info = F.reshape(F.concat(size, F.ones(1), dim=0), shape=(1, 3))
    return F.broadcast_like(info, F.reshape(x, shape=(0, -1)), lhs_axes=(0,), rhs_axes=(0,))
