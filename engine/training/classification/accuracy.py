"""The accuracy of a classifier on a set of images."""
from typing import Any, Dict, List, NamedTuple, Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon

from ....data.classification import ClassifierTestLoader
from ....progress import ProgressBar
from .objective import network_input

_TOP = 5


class Accuracy(NamedTuple):
    """The result of a test; all accuracies are shares from 0 to 1.

    Attributes:
        top1, top5: share of the images whose class is the first, or among the first five, of the network's answer.
        mean_class: mean over the classes of the share of their images that are right; classes without images do not
            count.
        classes: that share by class, None for one without images.
        images: number of images tested.
        unread: what is wrong with each image that could not be read, by its name; they do not count.
    """

    top1: float
    top5: float
    mean_class: float
    classes: Dict[str, Any]
    images: int
    unread: Dict[str, str]

    def metrics(self) -> Dict[str, float]:
        """Returns the figures of the whole set."""
        return {"top1": self.top1, "top5": self.top5, "mean_class": self.mean_class}


def test_classifier(net: gluon.Block, classes: Sequence[str], loader: ClassifierTestLoader,
                    contexts: Sequence[mx.Context]) -> Accuracy:
    """Tests a network on all images of a loader.

    Args:
        net: see `gluon_models.get_classifier`; its parameters are on all of `contexts`.
        classes: names of the classes.
        loader: the images.
        contexts: devices, which share each batch.
    """
    ranks: List[np.ndarray] = []
    labels: List[np.ndarray] = []
    unread: Dict[str, str] = {}
    for made in ProgressBar(loader, total=len(loader), desc="test", unit="batch", leave=False, disable=None):
        unread.update(made.unread)
        if not len(made.labels):
            continue
        used = contexts[:len(made.labels)]
        parts = gluon.utils.split_and_load(mx.nd.array(made.pixels), used, even_split=False)
        logits = [net(network_input(part)) for part in parts]
        ranks.append(ranks_of(np.concatenate([array.asnumpy() for array in logits]), made.labels))
        labels.append(made.labels)
    return _accuracy(np.concatenate(ranks or [np.zeros(0)]), np.concatenate(labels or [np.zeros(0)]), classes, unread)


def ranks_of(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns how many other classes have logits as large as the right one's, (N,).

    An answer that is the same for all classes, or not a number, so is not right.

    Args:
        logits: (N, classes).
        labels: (N,).
    """
    own = logits[np.arange(len(labels)), labels.astype(int)][:, None]
    return (~(logits < own)).sum(axis=1) - 1


def _accuracy(ranks: np.ndarray, labels: np.ndarray, classes: Sequence[str], unread: Dict[str, str]) -> Accuracy:
    nothing = float("nan")
    shares = {name: float((ranks[labels == label] < 1).mean()) if (labels == label).any() else None
              for label, name in enumerate(classes)}
    of_classes = [share for share in shares.values() if share is not None]
    return Accuracy(float((ranks < 1).mean()) if len(ranks) else nothing,
                    float((ranks < _TOP).mean()) if len(ranks) else nothing,
                    float(np.mean(of_classes)) if of_classes else nothing, shares, len(ranks), unread)


# pytest must not take the function for a test where it is imported.
test_classifier.__test__ = False
