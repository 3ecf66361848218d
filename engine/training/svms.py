"""One support vector machine a class on the features of a trained detector (Fast R-CNN, section 5.4).

The recipe is that of R-CNN (Girshick et al., arXiv 1311.2524, appendix B) with its published numbers: ground truths
alone are positive, proposals that overlap all ground truths of a class by less than 0.3 are its negatives, and of these
the hard ones are mined in one pass over the images.
"""
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

import numpy as np

from ...errors import LibraryError
from ...operators import boxes as box_ops

_FEATURE_NORM = 20.0  # mean length that features are scaled to
_COST, _POSITIVE_WEIGHT, _BIAS_SCALE = 1e-3, 2.0, 10.0
_HARD, _EASY = -1.0, -1.2  # margins: above the first a negative is kept, below the second it is dropped again
_RETRAIN_AFTER = 2000  # new negatives of a class
_NEGATIVE_IOU = 0.3
_SAMPLED_NEGATIVES = 50  # of an image, with which the first machines are trained
_ITERATIONS = 20000


class ImageFeatures(NamedTuple):
    """The features of the RoIs of one training image.

    Attributes:
        features: float32 (k, units), what the class layer reads.
        overlaps: float32 (k, classes), the largest IoU of each RoI with a ground truth of each class.
        truths: int (k,), the class from 0 of a RoI that is a ground truth, -1 for a proposal, and -2 for one in a
            region of which nothing is known, which is no example.
    """

    features: np.ndarray
    overlaps: np.ndarray
    truths: np.ndarray


class Machines(NamedTuple):
    """Support vector machines: their margins are `features @ weights.T + biases`.

    Attributes:
        weights: float32 (classes, units).
        biases: float32 (classes,).
        positives, negatives: how many examples each was trained on at last.
    """

    weights: np.ndarray
    biases: np.ndarray
    positives: Tuple[int, ...]
    negatives: Tuple[int, ...]


def label_rois(rois: np.ndarray, boxes: np.ndarray, classes: np.ndarray, regions: np.ndarray,
               num_classes: int) -> Tuple[np.ndarray, np.ndarray]:
    """Labels the RoIs of an image, ground truths first.

    Args:
        rois: float (k, 4); the first rows are `boxes`.
        boxes: float (n, 4), ground truths in the same frame.
        classes: int (n,), from 0.
        regions: float (m, 4), of which nothing is known.
        num_classes: background is not counted.

    Returns:
        `overlaps` and `truths` of `ImageFeatures`.
    """
    overlaps = np.zeros((len(rois), num_classes), np.float32)
    iou = box_ops.iou(rois[None], boxes[None])[0]
    for number in np.unique(classes):
        overlaps[:, number] = iou[:, classes == number].max(axis=1)
    truths = np.full(len(rois), -1)
    if len(regions):
        truths[box_ops.share_inside(rois[None], regions[None])[0].max(axis=1) >= 0.5] = -2
    truths[:len(boxes)] = classes
    return overlaps, truths


def train_machines(passes: Callable[[], Iterator[ImageFeatures]], num_classes: int, seed: int = 0) -> Machines:
    """Trains the machines in two passes over the images.

    Args:
        passes: returns an iterator over the features of all training images, each time that it is called.
        num_classes: background is not counted.
        seed: of the negatives that the first machines are trained with.

    Raises:
        LibraryError: scikit-learn is not installed.
        ValueError: a class has no ground truth.
    """
    miner = _Miner(num_classes, _import_machine(), seed)
    for image in passes():
        miner.begin(image)
    miner.train_all()
    for image in passes():
        miner.mine(image)
    miner.train_all()
    return miner.machines()


class _Miner:
    """The examples and the machines so far. Features are scaled, so that their mean length is `_FEATURE_NORM`."""

    def __init__(self, num_classes: int, machine: Callable[..., Any], seed: int):
        self._machine, self._seed = machine, seed
        self._rng = np.random.RandomState(seed)
        self._positives: List[List[np.ndarray]] = [[] for _ in range(num_classes)]
        self._negatives: List[np.ndarray] = []
        self._new = [0] * num_classes
        self._first: List[Tuple[np.ndarray, np.ndarray]] = []
        self._norms: List[np.ndarray] = []
        self._planes: Dict[int, Tuple[np.ndarray, float]] = {}
        self._scale = 1.0

    def begin(self, image: ImageFeatures) -> None:
        """Takes the ground truths of an image, and some of its proposals as negatives."""
        for number, positives in enumerate(self._positives):
            positives.append(image.features[image.truths == number])
        chosen = self._rng.permutation(np.flatnonzero(image.truths == -1))[:_SAMPLED_NEGATIVES]
        self._first.append((image.features[chosen], image.overlaps[chosen]))
        self._norms.append(np.linalg.norm(image.features[chosen], axis=1))

    def mine(self, image: ImageFeatures) -> None:
        """Adds the hard negatives of an image to those of each class, and trains a machine again where many are new."""
        scaled = image.features * self._scale
        for number, (weights, bias) in self._planes.items():
            candidates = scaled[(image.truths != -2) & (image.overlaps[:, number] < _NEGATIVE_IOU)]
            hard = candidates[candidates @ weights + bias > _HARD]
            self._negatives[number] = np.concatenate([self._negatives[number], hard])
            self._new[number] += len(hard)
            if self._new[number] > _RETRAIN_AFTER:
                self._train(number)

    def train_all(self) -> None:
        """Trains all machines, the first time with the sampled negatives."""
        if self._first:
            self._scale = _FEATURE_NORM / max(float(np.concatenate(self._norms).mean()), 1e-12)
            features, overlaps = (np.concatenate(parts) for parts in zip(*self._first))
            self._negatives = [self._scale * features[overlaps[:, number] < _NEGATIVE_IOU]
                               for number in range(len(self._positives))]
            self._first, self._norms = [], []
        for number in range(len(self._positives)):
            self._train(number)

    def machines(self) -> Machines:
        """The machines for features that are not scaled."""
        planes = [self._planes[number] for number in range(len(self._positives))]
        return Machines(np.float32([weights * self._scale for weights, _ in planes]),
                        np.float32([bias for _, bias in planes]),
                        tuple(sum(map(len, parts)) for parts in self._positives), tuple(map(len, self._negatives)))

    def _train(self, number: int) -> None:
        positives = self._scale * np.concatenate(self._positives[number])
        if not len(positives):
            raise ValueError(f"class {number} has no ground truth to train a support vector machine on")
        negatives = self._negatives[number]
        machine = self._machine(
            loss="hinge", dual=True, C=_COST, class_weight={1: _POSITIVE_WEIGHT}, intercept_scaling=_BIAS_SCALE,
            random_state=self._seed, max_iter=_ITERATIONS)
        machine.fit(np.concatenate([positives, negatives]),
                    np.repeat([1, -1], [len(positives), len(negatives)]))
        weights, bias = machine.coef_[0].astype(np.float32), float(machine.intercept_[0])
        self._planes[number] = weights, bias
        # Those far behind the margin do not bear on the plane. They are mined again where it moves.
        self._negatives[number] = negatives[negatives @ weights + bias > _EASY]
        self._new[number] = 0


def class_layer(machines: Machines) -> Tuple[np.ndarray, np.ndarray]:
    """Returns weights (classes + 1, units) and biases (classes + 1,) of a class layer that answers the margins.

    Background, the first row, answers 0 everywhere; no detection depends on it.
    """
    weights, biases = machines.weights, machines.biases
    return np.concatenate([np.zeros_like(weights[:1]), weights]), np.concatenate([np.zeros_like(biases[:1]), biases])


def _import_machine() -> Callable[..., Any]:
    try:
        from sklearn.svm import LinearSVC
    except ImportError:
        raise LibraryError("support vector machines need scikit-learn: pip install 'light_head_rcnn[svm]'") from None
    return LinearSVC
