"""Files of this package's networks that Gluon's `save_parameters` wrote: under the places of the layers in the network.

Such a name is "features.stem.0.conv.weight" where that of the parameter is "stem_stem_1_conv_weight".
"""
from contextlib import suppress
from functools import lru_cache
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np
from mxnet.gluon import Block

from ...errors import CheckpointError
from .. import registry
from .description import shapes_agree

# Before the places of the backbone's layers: in a detector on a feature pyramid, in another, and in the backbone alone.
_BEFORE = ("features.backbone.", "features.", "")
# The name of a parameter and its shape, None for any, by place.
_Places = Mapping[str, Tuple[str, Optional[Tuple[int, ...]]]]


def with_parameter_names(path: str, arrays: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Gives arrays that have the places of layers for names the names of the parameters.

    Args:
        path: where they come from, for messages.
        arrays: by name. Those that have no place in one of the networks here keep their names.

    Raises:
        CheckpointError: the places are those of several networks, whose parameters have different names.
    """
    before = next((before for before in _BEFORE if any(name.startswith(f"{before}stem.") for name in arrays)), None)
    if before is None:
        return dict(arrays)
    of_backbone = {name[len(before):]: array for name, array in arrays.items() if name.startswith(before)}
    fitting = [(len(places), name, places) for name in registry.BACKBONES.names() for places in [_places(name)]
               if _holds(places, of_backbone)]
    if not fitting:
        return dict(arrays)
    fewest = min(count for count, _, _ in fitting)
    best = [(name, places) for count, name, places in fitting if count == fewest]
    backbone, places = best[0]
    if any(other != places for _, other in best):
        raise CheckpointError(f"{path} has the places of layers for names, and these are the same in "
                              + " and ".join(name for name, _ in best) + ": write the parameters under their own "
                              "names, net.collect_params().save(FILE)")
    names = {before + place: own for place, (own, _) in places.items()}
    if before:
        names.update(_places_behind(backbone, before, arrays))
    return {names.get(name, name): array for name, array in arrays.items()}


def _holds(places: _Places, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether all arrays have a place in a backbone; it may have more, since it can be cut short."""
    return all(name in places and (places[name][1] is None or shapes_agree(places[name][1], array.shape))
               for name, array in arrays.items())


@lru_cache(maxsize=None)
def _places(backbone: str) -> _Places:
    """The places of a backbone, those of its classifier among them."""
    build = registry.BACKBONES.get(backbone).build
    places = _of_net(build(frozen=True))
    with suppress(TypeError):  # a backbone of another program that cannot be a classifier
        return {**{place: (own, None) for place, (own, _) in _of_net(build(frozen=True, classes=2)).items()}, **places}
    return places


def _places_behind(backbone: str, before: str, arrays: Mapping[str, np.ndarray]) -> Dict[str, str]:
    """Names of the parameters behind the backbone by their places, of the detector that has the most of them."""
    from ..model_zoo import get_model
    found: List[Dict[str, str]] = [{}]
    for parts in registry.composed_models().values():
        if (parts.backbone, parts.classes) == (backbone, "voc"):
            found.append({place: own for place, (own, _) in _of_net(get_model("_".join(parts))).items()
                          if place in arrays and not place.startswith(before)})
    return max(found, key=len)


def _of_net(net: Block) -> Dict[str, Tuple[str, Tuple[int, ...]]]:
    skip = len(net.prefix)
    return {place: (parameter.name[skip if parameter.name.startswith(net.prefix) else 0:], parameter.shape)
            for place, parameter in net._collect_params_with_prefix().items()}
