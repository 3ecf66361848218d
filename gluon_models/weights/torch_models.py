"""State dicts of PyTorch: torchvision's ResNet, ResNeXt and DenseNet, VoVNet, Res2Net and EfficientNet-Lite0."""
import re
from typing import Dict, Iterable, List, Mapping, Optional, Set

import numpy as np

from ...errors import CheckpointError
from ..backbones.torch_names import gluon_name
from .contents import SAFETENSORS
from .description import BACKBONE, IMAGENET_PIXELS, Pixels, Weights
from .recognition import missing_parts, recognised_backbone
from .torch_files import read_tensors

# Words before the names of a backbone's tensors: of wrappers, of dictionaries within files, and of the frameworks
# mmdetection ("backbone.") and detectron2 ("backbone.bottom_up.").
_WRAPPERS = ("module", "model", "state_dict", "model_state_dict", "model_state", "net", "network", "backbone",
             "bottom_up", "body", "encoder", "trunk", "features", "model_ema", "state_dict_ema", "ema", "params")
# torchvision's own files of DenseNet have names of an early version: denselayer1.norm.1 for denselayer1.norm1.
_EARLY_DENSENET = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.([12]\..+)")
_OF_DETECTRON2 = ("The names are those of detectron2, whose networks read blue, green, red less (103.53, 116.28, "
                  "123.675) unless their configuration says otherwise: lhrcnn convert --bgr turns the first "
                  "convolution round; set the pixel means and deviations of the configuration to those with which the "
                  "network was trained.")
_LITE_PIXELS = Pixels((127.0,) * 3, (128.0,) * 3)


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

    Args:
        path: where they come from, for messages.
        tensors: by name.
        file_format: in words.

    Raises:
        CheckpointError: there is none of the backbones here.
    """
    for prefix in _prefixes(tensors):
        arrays = named_as_here(_inside(tensors, prefix))
        model = recognised_backbone(arrays)
        if model:
            arrays.update({name: tensor for name, tensor in tensors.items()
                           if not name.startswith((prefix, "optimizer")) and tensor.ndim})
            if "bottom_up." in prefix:
                return Weights(arrays, file_format, model, BACKBONE, notes=(_OF_DETECTRON2,))
            pixels = _LITE_PIXELS if model.startswith("efficientnet_lite") else IMAGENET_PIXELS
            return Weights(arrays, file_format, model, BACKBONE, {}, pixels)
    raise CheckpointError(f"{path} holds none of the backbones of this package. {_nearest(tensors)}")


def named_as_here(tensors: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Gives tensors of a state dict the names that the parameters have here.

    Args:
        tensors: by name, without prefixes. The modules of batch normalisations are those with a `running_var`.
    """
    tensors = {_EARLY_DENSENET.sub(r"\1\2", name): tensor for name, tensor in tensors.items()}
    norms = {name[:-len(".running_var")] for name in tensors if name.endswith(".running_var")}
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
    """All prefixes made of words of `_WRAPPERS`, the shortest first, "" among them."""
    prefixes: Set[str] = {""}
    for name in names:
        prefix = ""
        for word in name.split("."):
            if word not in _WRAPPERS:
                break
            prefix += word + "."
            prefixes.add(prefix)
    return sorted(prefixes, key=lambda prefix: (prefix.count("."), prefix))


def _nearest(tensors: Mapping[str, np.ndarray]) -> str:
    """Says which backbone most of the names of a state dict belong to, and what of it is missing."""
    from ..registry import BACKBONES
    best: Optional[List[str]] = None
    share, model = 0.0, ""
    for prefix in _prefixes(tensors):
        arrays = named_as_here(_inside(tensors, prefix))
        for backbone in BACKBONES.names() if arrays else ():
            lacking = missing_parts(arrays, backbone)
            fitting = 1 - len(lacking) / max(len(arrays), 1)
            if fitting > share:
                share, model, best = fitting, backbone, lacking
    if best is None or share < 0.5:
        return f"Its first tensors: {', '.join(list(tensors)[:3]) or 'none'}"
    more = f"\n  and {len(best) - 5} more" if len(best) > 5 else ""
    return f"It is nearest to {model}, but not that:\n  " + "\n  ".join(best[:5]) + more
