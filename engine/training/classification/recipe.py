"""The recipe by which a classifier is trained, and the optimizer that follows it."""
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Callable, Dict, List, Mapping

from mxnet import gluon

from ....errors import UsageError
from ....gluon_models.weights.description import IMAGENET_PIXELS

PIXELS = IMAGENET_PIXELS
# The learning rate of a recipe is for batches of so many images (Goyal et al., arXiv 1706.02677).
REFERENCE_BATCH = 256


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained. The defaults are those for ImageNet (He et al., arXiv 1812.01187, sections 2 and 5).

    Attributes:
        side: of the square images, in pixels.
        epochs: of the whole training.
        batch_size: images in a step, all devices together.
        lr: learning rate after the warm-up for a batch of `REFERENCE_BATCH` images; it is multiplied by the images of a
            batch over that number. It falls along half a cosine to 0 at the end.
        warmup_epochs: the learning rate rises from 0 along a line in these, which must be fewer than all.
        momentum: of Nesterov's SGD.
        wd: weight decay, of the weights alone: biases, and scales and shifts of batch normalisation have none.
        label_smoothing: share of a label that is spread over all classes.
        least_area: smallest share of an image that a training image shows.
        flip: mirror training images left to right, each with probability one half.
        color_jitter: largest change of brightness, contrast and saturation, 0 to 1.
        seed: of everything random.
    """

    side: int = 224
    epochs: int = 120
    batch_size: int = 256
    lr: float = 0.1
    warmup_epochs: float = 5.0
    momentum: float = 0.9
    wd: float = 1e-4
    label_smoothing: float = 0.1
    least_area: float = 0.08
    flip: bool = True
    color_jitter: float = 0.4
    seed: int = 0

    def check(self) -> None:
        """Raises UsageError for a number that cannot be used; it names the option of the command."""
        for name in ("side", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(f"{option(name)} is {getattr(self, name)}; it must be at least 1")
        for name in ("warmup_epochs", "wd", "seed"):
            if not 0 <= getattr(self, name) < 2 ** 32:
                raise UsageError(f"{option(name)} is {getattr(self, name)}; it must be at least 0 and below {2 ** 32}")
        for name in ("momentum", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{option(name)} is {getattr(self, name)}; it must be at least 0 and below 1")
        if self.warmup_epochs >= self.epochs:
            raise UsageError(f"{option('warmup_epochs')} is {self.warmup_epochs:g}, and {option('epochs')} is "
                             f"{self.epochs}: the learning rate would never fall; choose fewer, such as 1 or 0")
        if not 0 < self.lr < math.inf:
            raise UsageError(f"{option('lr')} is {self.lr}; it must be above 0")
        if not 0 < self.least_area <= 1:
            raise UsageError(f"{option('least_area')} is {self.least_area}; it must be above 0 and at most 1")
        if not 0 <= self.color_jitter <= 1:
            raise UsageError(f"{option('color_jitter')} is {self.color_jitter}; it must be from 0 to 1")

    def rates(self, steps_per_epoch: int) -> Callable[[int], float]:
        """Returns the function from the number of a step, counted from 1, to its learning rate."""
        top = self.lr * self.batch_size / REFERENCE_BATCH
        total, rising = self.epochs * steps_per_epoch, round(self.warmup_epochs * steps_per_epoch)

        def rate(step: int) -> float:
            if step <= rising:
                return top * step / rising
            return top * (1 + math.cos(math.pi * (step - 1 - rising) / max(total - rising, 1))) / 2

        return rate

    def optimizer(self, parameters: Mapping[str, gluon.Parameter]) -> gluon.Trainer:
        """Makes the optimizer of a network's parameters, and sets which of them decay."""
        for name, parameter in parameters.items():
            parameter.wd_mult = 1.0 if name.endswith("_weight") else 0.0
        trained = {name: parameter for name, parameter in parameters.items() if parameter.grad_req != "null"}
        return gluon.Trainer(trained, "nag", {"learning_rate": self.lr, "momentum": self.momentum, "wd": self.wd},
                             update_on_kvstore=False)

    def as_dict(self) -> Dict[str, Any]:
        """Returns the numbers by name."""
        return asdict(self)

    def differences(self, saved: Mapping[str, Any]) -> List[str]:
        """Returns a line for each number that another recipe, saved by `as_dict`, has otherwise."""
        return [f"{option(one.name)}: {saved.get(one.name)} in the checkpoint, {getattr(self, one.name)} now"
                for one in fields(self) if saved.get(one.name) != getattr(self, one.name)]


def option(name: str) -> str:
    """Returns the option of the command that sets a number of the recipe."""
    return {"flip": "--no-flip"}.get(name, "--" + name.replace("_", "-"))
