"""Parameters and multiply-adds of every row, of GluonCV's detectors beside them, and of the classifier of table 7."""
import functools
from typing import Any, Dict, List, Sequence

from ...engine.config import test_scales
from ...gluon_models.backbones import Xception, XceptionClassifier
from ..benchmarks.counting import count_network
from .counting import count_stages
from .detectors import PEERS, PeerDetector, build_row_net, input_size
from .rows import ROWS, TableKey, row_config, table_of
from .stages import StagedGraph

CLASSIFIER = "xception_classifier"


def names_of(key: TableKey) -> List[str]:
    """Returns what a table measures: its rows, and GluonCV's detectors or the classifier beside them."""
    return list(table_of(key).rows) + {7: [CLASSIFIER], 8: list(PEERS)}.get(key, [])


def label_of(name: str) -> str:
    """Returns what the pages call one of `names_of`."""
    if name == CLASSIFIER:
        return "Xception-like classifier"
    return PEERS[name].label if name in PEERS else ROWS[name]


def count_all(keys: Sequence[TableKey]) -> Dict[str, Dict[str, Any]]:
    """Counts everything that several tables measure: what `count_row` and its siblings return, by name.

    Building and tracing all networks takes seconds, so that figures are those of the first call in a process; callers
    must not change them.
    """
    return {name: _count(name) for name in dict.fromkeys(name for key in keys for name in names_of(key))}


def _count(name: str) -> Dict[str, Any]:
    if name == CLASSIFIER:
        return count_classifier()
    return count_peer(name) if name in PEERS else count_row(name)


@functools.lru_cache(maxsize=None)
def count_row(name: str) -> Dict[str, Any]:
    """Counts a row at its test size.

    Returns:
        What `counting.count_stages` returns, and size ([height, width] in pixels), passes (how many views of an image
        are tested) and model (its name in the model zoo).
    """
    cfg = row_config(name)
    size = input_size(cfg)
    counted = count_stages(StagedGraph(build_row_net(cfg), *size))
    return dict(counted, size=list(size), passes=len(test_scales(cfg)) * (2 if cfg.TEST.FLIP else 1),
                model=cfg.network.model)


@functools.lru_cache(maxsize=None)
def count_peer(name: str) -> Dict[str, Any]:
    """Counts one of GluonCV's detectors: as `count_row` does, with "whole" as its only stage."""
    peer = PeerDetector(name)
    parameters, multiply_adds = count_network(peer.net, *peer.size)
    return {"parameters": {"whole": parameters}, "multiply_adds": {"whole": multiply_adds}, "size": list(peer.size),
            "passes": 1, "model": PEERS[name].model}


@functools.lru_cache(maxsize=None)
def count_classifier(side: int = 224) -> Dict[str, Any]:
    """Counts the network of table 7: as `count_row` does, with "body" and "head", its last layer, as stages.

    Args:
        side: of its input, in pixels.
    """
    (parameters, multiply_adds), (body_parameters, body_multiply_adds) = (
        count_network(net, side, side) for net in (XceptionClassifier(), Xception(output_stride=32)))
    return {"parameters": {"body": body_parameters, "head": parameters - body_parameters}, "size": [side, side],
            "passes": 1, "multiply_adds": {"body": body_multiply_adds, "head": multiply_adds - body_multiply_adds},
            "model": "XceptionClassifier"}
