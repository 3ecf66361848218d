"""Backbones as classifiers, and the loss that trains them."""
import contextlib
import io
from types import ModuleType
from typing import Sequence, Tuple

import mxnet as mx
from mxnet.gluon import HybridBlock

from ..errors import ModelError
from ..operators.arrays import Array
from . import backbones, registry  # noqa: F401  (the first registers those that this package brings)
from .backbones import Backbone


def get_classifier(name: str, classes: Sequence[str]) -> Backbone:
    """Builds a backbone as a classifier; its parameters are not yet initialised.

    The parameters have the names that they have in a detector, so that a file of them starts one
    (`network.pretrained`). Batch normalisation follows the batches.

    Example:
        >>> net = get_classifier("xception", ["cat", "dog"])
        >>> net.initialize()
        >>> net(mx.nd.zeros((1, 3, 224, 224))).shape
        (1, 2)

    Args:
        name: one of `backbone_names()`.
        classes: names of the classes.

    Returns:
        The network: float32 (N, 3, H, W) to logits (N, classes). Its attribute `classes` is the tuple of the names.

    Raises:
        ModelError: an unknown name, or a backbone of another program that cannot be a classifier.
    """
    build = registry.BACKBONES.get(name).build
    try:
        net = build(frozen=False, classes=len(classes))
    except TypeError as error:
        raise ModelError(f"the backbone {name} cannot be a classifier: its builder takes no number of classes ({error})"
                         ) from None
    net.classes = tuple(classes)
    return net


def check_side(net: Backbone, side: int) -> None:
    """Checks that a classifier can read squares of a size.

    Args:
        net: see `get_classifier`.
        side: of the square, in pixels.

    Raises:
        ModelError: its last maps would have no cells.
    """
    logits = net(mx.sym.var("data"))
    if not _fits(logits, side):
        least = next(one for one in range(side + 1, 1000) if _fits(logits, one))
        raise ModelError(f"images of {side}x{side} pixels are too small for this backbone: its last maps would have no "
                         f"cells; it reads {least}x{least} and larger")


class ClassifierLoss(HybridBlock):
    """Softmax cross entropy with label smoothing (Szegedy et al., arXiv 1512.00567, section 7).

    Input: images float32 (N, 3, H, W) and classes float32 (N,). Outputs: the mean loss (1,) and logits (N, classes).

    Args:
        net: see `get_classifier`.
        smoothing: share of the label that is spread evenly over all classes.
    """

    def __init__(self, net: HybridBlock, smoothing: float = 0.0):
        super().__init__(prefix="")
        self._smoothing = smoothing
        with self.name_scope():
            self.net = net

    def hybrid_forward(self, F: ModuleType, images: Array, labels: Array) -> Tuple[Array, Array]:
        logits = self.net(images)
        logs = F.log_softmax(logits, axis=1)
        of_label = F.pick(logs, labels, axis=1)
        losses = -(1 - self._smoothing) * of_label - self._smoothing * F.mean(logs, axis=1)
        return F.mean(losses), logits


def _fits(logits: mx.sym.Symbol, side: int) -> bool:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # MXNet prints the arguments before it raises the error
            logits.infer_shape(data=(1, 3, side, side))
    except mx.MXNetError:
        return False
    return True
