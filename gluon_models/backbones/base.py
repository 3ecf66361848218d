"""What all backbones have in common: stages by name, maps for detectors, and a last layer for classifiers."""
from functools import partial
from types import ModuleType
from typing import Callable, Dict, List, Optional, Sequence, Tuple, Union

from mxnet.gluon import HybridBlock, nn

from ...errors import ModelError
from ...operators.arrays import Array
from .stages import Part, Stage, map_sides, plan_stages, pyramid_names, two_map_names

# Choices of `outputs` by one word, and the output stride of each.
FORMS = {"two_maps": 16, "pyramid": 32}
# From a stage and the channels of its input to the block that computes it.
StageMaker = Callable[[Stage, int], HybridBlock]
_NORM_ENDINGS = ("gamma", "beta", "moving_mean", "moving_var")


class Backbone(HybridBlock):
    """A convolutional network, cut into a stem and stages, for detectors or as a classifier.

    Input: float32 (N, 3, H, W), RGB less the pixel means. Outputs, where `classes` is 0: the maps that `outputs` names,
    each (N, channels, h, w), where h and w are what `feature_size` says of H and W. Otherwise: logits (N, classes).

    Args:
        parts: the stem and the stages as classifiers have them.
        make_stage: builds the stem, for which the stage is named "stem", and each stage.
        last_layer: name of the classifier's last layer.
        make_before_last: builds what stands between the last stage and the pooling of a classifier, as a pair of the
            block and of its channels; None for nothing.
        outputs: "two_maps": the map for the RPN, of the last stage of stride 16, and the map for the head, of the last
            stage, which is dilated and keeps stride 16. "pyramid": the maps of strides 4, 8, 16 and 32. Otherwise, the
            names of stages; what lies behind the last of them is not built.
        output_stride: 8, 16 or 32, the largest stride: stages that would go beyond it are dilated instead. None: 16 for
            "two_maps", else 32.
        classes: for a classifier, the number of its classes; it has no `outputs`.
        caffe_names: whether the parameters have the names of Caffe's ResNet, so that the words of
            `network.FIXED_PARAMS` find them.

    Attributes:
        stages: everything that is built, the stem first; see `Stage`.
        out_channels: channels of the outputs.
        strides: strides of the outputs in pixels of the input.
        feature_size: function from a side of the input in pixels to the side of the outputs in cells, a number where
            two maps have one stride and otherwise a tuple. It can be sent to other processes without the network.

    Raises:
        ModelError: an unknown form, stage or output stride.
    """

    def __init__(self, parts: Sequence[Part], make_stage: StageMaker, last_layer: str,
                 make_before_last: Optional[Callable[[], Tuple[HybridBlock, int]]] = None,
                 outputs: Union[str, Sequence[str]] = "two_maps", output_stride: Optional[int] = None,
                 classes: int = 0, caffe_names: bool = False):
        super().__init__(prefix="")
        if output_stride is None:
            output_stride = 32 if classes or not isinstance(outputs, str) else FORMS.get(outputs, 32)
        stages = plan_stages(parts, output_stride)
        names = () if classes else _output_names(stages, outputs)
        by_name = {stage.name: stage for stage in stages}
        count = 1 + max([list(by_name).index(name) for name in names], default=len(stages) - 1)
        self.stages: Tuple[Stage, ...] = tuple(stages[:count])
        self.out_channels = tuple(by_name[name].channels for name in names)
        self.strides = tuple(by_name[name].stride for name in names)
        chains = [tuple(halve for stage in stages[:list(by_name).index(name) + 1] for halve in stage.halvings)
                  for name in names]
        self.feature_size = partial(map_sides, chains, len(names) == 2 and len(set(self.strides)) == 1)
        self._outputs, self._caffe_names = names, caffe_names
        with self.name_scope():
            channels = 3
            for stage in self.stages:
                setattr(self, stage.name, make_stage(stage, channels))
                channels = stage.channels
            self.classifier = None
            if classes:
                self.classifier = nn.HybridSequential(prefix="")
                if make_before_last is not None:
                    block, channels = make_before_last()
                    self.classifier.add(block)
                self.classifier.add(nn.GlobalAvgPool2D(),
                                    nn.Dense(classes, in_units=channels, prefix=f"{last_layer}_"))

    def hybrid_forward(self, F: ModuleType, x: Array) -> Union[Array, Tuple[Array, ...]]:
        maps = {}
        for stage in self.stages:
            x = maps[stage.name] = getattr(self, stage.name)(x)
        if self.classifier is not None:
            return self.classifier(x)
        return tuple(maps[name] for name in self._outputs)

    def freeze_stages(self, count: int) -> List[str]:
        """Excludes the stem and the first stages from training.

        Their batch normalisation still follows the batches in training unless the backbone was built with `frozen`.

        Args:
            count: how many stages behind the stem; 0 freezes the stem alone.

        Returns:
            The names of the parameters whose `grad_req` is "null" now.
        """
        frozen = []
        for stage in self.stages[:count + 1]:
            for name, parameter in getattr(self, stage.name).collect_params().items():
                parameter.grad_req = "null"
                frozen.append(name)
        return frozen

    def caffe_words(self) -> Dict[str, List[str]]:
        """Returns what the words of Caffe's ResNet in `network.FIXED_PARAMS` mean for this backbone.

        "conv1" and "bn_conv1" mean what stands before stride 4 is reached in a classifier, "res2" and "bn2" the stages
        of stride 4, "res3" and "bn3" those of stride 8, and so on: of them "conv1" and "resN" the convolutions, the
        others the normalisations.

        Returns:
            The names of the parameters by word. It is empty where the parameters have Caffe's names themselves.
        """
        words: Dict[str, List[str]] = {}
        if self._caffe_names:
            return words
        for stage in self.stages:
            is_stem = stage.name == self.stages[0].name or stage.level < 2
            convolutions, norms = ("conv1", "bn_conv1") if is_stem else (f"res{stage.level}", f"bn{stage.level}")
            for name in getattr(self, stage.name).collect_params():
                words.setdefault(norms if name.endswith(_NORM_ENDINGS) else convolutions, []).append(name)
        return words


def _output_names(stages: Sequence[Stage], outputs: Union[str, Sequence[str]]) -> Tuple[str, ...]:
    if outputs == "two_maps":
        return two_map_names(stages)
    if outputs == "pyramid":
        return pyramid_names(stages)
    known = [stage.name for stage in stages]
    names = (outputs,) if isinstance(outputs, str) else tuple(outputs)
    for name in names:
        if name not in known:
            raise ModelError(f"outputs names {name!r}; known: {', '.join((*FORMS, *known))}")
    if not names:
        raise ModelError("outputs is empty; name at least one stage")
    return names
