"""What is minimised in the training of a classifier."""
from typing import Any, Dict, List, Optional, Sequence

import mxnet as mx

from ....gluon_models.backbones import Backbone
from ....gluon_models.classifier import ClassifierLoss
from ...checkpoints.parameters import load_parameters
from ..first_layer import first_block
from ..objectives import Objective
from .recipe import PIXELS

_Outputs = Sequence[mx.nd.NDArray]


class ClassifierObjective(Objective):
    """The loss of a classifier on batches of images, (N, side, side, 3), and classes, (N,).

    Args:
        net: see `gluon_models.get_classifier`.
        label_smoothing: see `ClassifierLoss`.
    """

    advice = "lower --lr, or lengthen the warm-up, --warmup-epochs"
    batch_names = ("images", "classes")

    def __init__(self, net: Backbone, label_smoothing: float):
        self.block, self.classes = net, net.classes
        self._loss = ClassifierLoss(net, label_smoothing)
        self._loss.hybridize()

    def __call__(self, *inputs: mx.nd.NDArray) -> List[mx.nd.NDArray]:
        images, labels = inputs
        return self._loss(network_input(images), labels)

    def first_layer(self, inputs: _Outputs) -> Optional[str]:
        found = first_block(self._loss, lambda: self(*inputs))
        self._loss.hybridize()
        return found

    def heads(self, outputs: _Outputs) -> List[mx.nd.NDArray]:
        return [outputs[0]]

    def metrics(self, outputs: Sequence[_Outputs], inputs: Sequence[_Outputs]) -> Dict[str, float]:
        right = [(logits.argmax(axis=1) == labels).mean() for (_, logits), (_, labels) in zip(outputs, inputs)]
        return {"loss": _mean([loss for loss, _ in outputs]), "Acc": _mean(right)}

    def _read_parameters(self, path: str) -> None:
        load_parameters(path, self.block)


def network_input(images: mx.nd.NDArray) -> mx.nd.NDArray:
    """Returns float32 (N, 3, side, side), what a network reads, of pixels (N, side, side, 3) on the same device."""
    means, stds = (mx.nd.array(numbers, ctx=images.context) for numbers in PIXELS)
    return ((images - means) / stds).transpose((0, 3, 1, 2))


def _mean(of_devices: Sequence[Any]) -> float:
    return sum(float(one.asscalar()) for one in of_devices) / len(of_devices)
