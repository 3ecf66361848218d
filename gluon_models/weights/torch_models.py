"""State dicts of PyTorch: ResNet, VGG-16, DenseNet, VoVNet, Res2Net, EfficientNet-Lite0, ..., as others name them."""
import re
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Set

import numpy as np

from ...errors import CheckpointError
from ..backbones.torch_names import gluon_name
from .contents import SAFETENSORS
from .description import BACKBONE, IMAGENET_PIXELS, Pixels, Weights, listed
from .detectron2 import as_trained, with_stage_of_head
from .recognition import check_no_others, missing_parts, parameter_names, recognised_backbone
from .torch_files import read_tensors
from .torch_namings import DETECTRON2, NAMINGS, Naming

# Words before the names of a backbone's tensors: of wrappers, of dictionaries within files, and of the frameworks
# mmdetection ("backbone."), detectron2 ("backbone.bottom_up."), torchvision ("backbone.body."), DETR
# ("backbone.0.body.") and of self-supervised training ("encoder_q.").
_AVERAGES = ("model_ema", "ema_model", "state_dict_ema", "ema_state_dict", "ema", "teacher")
_WRAPPERS = ("module", "model", "state_dict", "model_state_dict", "model_state", "net", "network", "backbone",
             "bottom_up", "body", "encoder", "trunk", "features", "params", "0", "conv_encoder", "encoder_q",
             "base_encoder", "student", *_AVERAGES)
_KEYS_OF_MOCO = "encoder_k."  # beside "encoder_q."
_MOST_PREFIXES = 100
# Names of tensors with which backbones begin: what stands before one of them is a prefix, whatever its words.
_FIRST_NAMES = ("layer1.0.conv1.weight", "res2.0.conv1.weight", "features.denseblock1.denselayer1.norm1.weight",
                "features.denseblock1.denselayer1.norm.1.weight", "stage2.OSA2_1.concat.OSA2_1_concat/conv.weight",
                "_blocks.0._depthwise_conv.weight", "blocks.0.0.conv_dw.weight", "features.0.weight",
                "stages.0.blocks.0.conv_concat.conv.weight", "encoder.stages.0.layers.0.layer.0.convolution.weight")
# What modules count and do not compute with: normalisations, and all into which the profiler thop puts it.
_COUNTERS = ("num_batches_tracked", "total_ops", "total_params")
# torchvision's own files of DenseNet have names of an early version: denselayer1.norm.1 for denselayer1.norm1.
_EARLY_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.([12]\..+)")
_OF_VOVNET_V2 = ("The names are those of detectron2, whose networks read blue, green, red less (103.53, 116.28, "
                 "123.675) unless their configuration says otherwise: lhrcnn convert --bgr turns the first "
                 "convolution round; set the pixel means and deviations of the configuration to those with which the "
                 "network was trained.")
_OF_MMDETECTION = ("The names are those of mmdetection, of a network with style='pytorch', which is assumed. One with "
                   "style='caffe' strides in the first 1x1 convolution of a unit and reads blue, green, red less "
                   "(103.53, 116.28, 123.675), not divided: lhrcnn convert --bgr --model resnet50_v1, and then set "
                   "network.STRIDE_IN_1X1 to true and the pixel means and deviations.")
_LITE_PIXELS = Pixels((127.0,) * 3, (128.0,) * 3)
_HEADS_OF_MMDETECTION = ("bbox_head.", "roi_head.", "rpn_head.", "mask_head.")


class _Found(NamedTuple):
    """A backbone in a state dict.

    Attributes:
        prefix: before its names.
        naming: whose names they are.
        arrays: its parameters, by their names here.
        model: its name.
        foreign: a line with name and shape for each tensor in the midst of it that it does not have.
    """

    prefix: str
    naming: Naming
    arrays: Dict[str, np.ndarray]
    model: str
    foreign: List[str]


def read_torch(path: str, kind: str) -> Weights:
    """Reads a state dict of a backbone, or of a network in whose names the backbone's have a prefix.

    Args:
        path: of a .pth, .pt or .safetensors file.
        kind: "torch" or "safetensors", see `kind_of_file`.

    Raises:
        CheckpointError: see `read_tensors`; or it holds none of the backbones here.
    """
    return weights_of(path, read_tensors(path, kind), "safetensors file" if kind == SAFETENSORS else "PyTorch file")


def weights_of(path: str, tensors: Mapping[str, np.ndarray], file_format: str = "PyTorch file") -> Weights:
    """Finds a backbone among the tensors of a state dict, and gives its tensors the names of the parameters here.

    Where there are several, the one with the fewest words before its names is taken, or its moving average. A teacher
    that is another network than this one is no average of it.

    Args:
        path: where they come from, for messages.
        tensors: by name.
        file_format: in words.

    Raises:
        CheckpointError: there is none of the backbones here, or only one that would compute something else with these
            weights than the network that they were trained in.
    """
    # Where features alone are distributed over devices, a wrapper stands inside the names.
    tensors = {name.replace("features.module.", "features."): array for name, array in tensors.items()
               if name.rpartition(".")[2] not in _COUNTERS}
    found = _backbones(tensors)
    if not found:
        raise CheckpointError(f"{path} holds none of the backbones of this package. {_nearest(tensors)}")
    last = next((one for one in found if not _is_average(one.prefix)), found[0])
    taken = next((one for one in found if _is_average(one.prefix) and one.model == last.model), last)
    if taken.naming.refusal:
        raise CheckpointError(f"{path} holds none of the backbones of this package. {taken.naming.refusal}")
    check_no_others(path, taken.model, taken.foreign)
    inside = _inside(tensors, taken.prefix)
    others = {name: array for name, array in tensors.items()
              if not name.startswith((*(one.prefix for one in found), "optimizer"))}
    weights = Weights({**others, **taken.arrays}, file_format, taken.model, BACKBONE, {},
                      taken.naming.pixels or (
                          _LITE_PIXELS if taken.model.startswith("efficientnet_lite") else IMAGENET_PIXELS))
    if taken.naming is DETECTRON2:
        weights = as_trained(weights, tensors)
    elif "bottom_up." in taken.prefix:
        weights = weights._replace(pixels=None, notes=(_OF_VOVNET_V2,))
    elif taken.model.startswith("res") and "layer1.0.conv1.weight" in inside and any(
            word in name for name in others for word in _HEADS_OF_MMDETECTION):
        weights = weights._replace(notes=(_OF_MMDETECTION,))
    notes = [taken.naming.note] if taken.naming.note else []
    if len(found) > 1:
        notes.append("The file holds more than one backbone, before the names of its tensors "
                     + ", ".join(f"{one.prefix!r} ({one.model})" for one in found)
                     + f": that of {taken.prefix!r} is taken"
                     + (", the moving average." if _is_average(taken.prefix) else "."))
    return weights._replace(notes=(*weights.notes, *notes))


def _backbones(tensors: Mapping[str, np.ndarray]) -> List[_Found]:
    found = []
    for prefix in _prefixes(tensors):
        inside = with_stage_of_head(_inside(tensors, prefix), tensors)
        for naming in NAMINGS:
            arrays = named_as_here(naming.rename(inside))
            model = recognised_backbone(arrays) if arrays else ""
            if model:
                foreign = _foreign(inside, [arrays[name] for name in parameter_names(model)])
                lines = [f"{prefix}{name} {inside[name].shape}" for name in foreign]
                found.append(_Found(prefix, naming, arrays, model, lines))
                break
    return found


def _foreign(tensors: Mapping[str, np.ndarray], taken: Iterable[np.ndarray]) -> List[str]:
    """Names of the tensors that are not taken, but lie in modules, such as `layer1`, of which others are.

    Such are the layers that tell an SE-ResNet from a ResNet, and the units that a deeper network has more.
    """
    own = {id(array) for array in taken}
    modules = {name.partition(".")[0] for name, tensor in tensors.items() if id(tensor) in own}
    return [name for name, tensor in tensors.items()
            if id(tensor) not in own and name.partition(".")[0] in modules]


def _is_average(prefix: str) -> bool:
    return any(word in _AVERAGES for word in prefix.split("."))


def named_as_here(tensors: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Gives tensors of a state dict the names that the parameters have here.

    Args:
        tensors: by name, without prefixes. The modules of batch normalisations are those with a `running_mean` or a
            `running_var`.
    """
    tensors = {_EARLY_DENSENET.sub(r"\1\2", name): tensor for name, tensor in tensors.items()}
    norms = {name.rpartition(".")[0] for name in tensors if name.endswith((".running_mean", ".running_var"))}
    found = {}
    for name, tensor in tensors.items():
        module = name.rpartition(".")[0]
        own = gluon_name(name, module in norms) if module else None
        if own is not None:
            found[own] = tensor
    return found


def _inside(tensors: Mapping[str, np.ndarray], prefix: str) -> Dict[str, np.ndarray]:
    """The tensors whose names have a prefix, without it."""
    return {name[len(prefix):]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _prefixes(names: Iterable[str]) -> List[str]:
    """All prefixes made of words of `_WRAPPERS`, or before one of `_FIRST_NAMES`; the shortest first, "" among them.

    Of those as short as each other, that of the moving average of MoCo, which is not what MoCo trains for, is the last.
    """
    prefixes: Set[str] = {""}
    for name in names:
        prefix = ""
        for word in name.split("."):
            if word not in _WRAPPERS:
                break
            prefix += word + "."
            prefixes.add(prefix)
        prefixes.update(name[:-len(first)] for first in _FIRST_NAMES if name.endswith("." + first))
    return sorted(prefixes, key=lambda prefix: (prefix.count("."), _KEYS_OF_MOCO in prefix, prefix))[:_MOST_PREFIXES]


def _nearest(tensors: Mapping[str, np.ndarray]) -> str:
    """Says which backbone most of the names of a state dict belong to, and what of it is missing."""
    from ..registry import BACKBONES
    best: Optional[List[str]] = None
    share, model = 0.0, ""
    for prefix in _prefixes(tensors):
        for naming in NAMINGS:
            arrays = named_as_here(naming.rename(_inside(tensors, prefix)))
            for backbone in BACKBONES.names() if arrays else ():
                lacking = missing_parts(arrays, backbone)
                together = len(arrays) + len(lacking)
                fitting = (len(parameter_names(backbone)) - len(lacking)) / together
                if fitting > share:
                    share, model, best = fitting, backbone, lacking
    if best is None or share < 0.5:
        known = "\n  ".join(f"{naming.example} ({naming.publisher})" for naming in NAMINGS)
        return (f"Its first tensors: {', '.join(list(tensors)[:3]) or 'none'}. Understood, behind any prefix, are "
                f"names such as these:\n  {known}")
    return f"It is nearest to {model}, but not that:{listed(best)}"
