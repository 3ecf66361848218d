"""What needs no training: every row counted, timed beside the others, and its memory measured."""
from ...gluon_models.backbones import Xception, XceptionClassifier
from ..benchmarks.machine import describe_machine
from ...engine.config import test_scales
from . import growth, measuring
from .counting import count, count_network
from .detectors import PEERS, PeerDetector, StagedDetector, input_size, row_net
from .rows import ROWS, row_config, row_file
from .stages import StagedGraph

NO_NMS = " without NMS"


def count_row(name):
    """What `counting.count` says of a row at its test size, with size, passes (views of an image) and backbone."""
    cfg = row_config(name)
    size = input_size(cfg)
    counted = count(StagedGraph(row_net(cfg), *size))
    return dict(counted, size=list(size), passes=len(test_scales(cfg)) * (2 if cfg.TEST.FLIP else 1),
                model=cfg.network.model)


def count_peer(name):
    """Parameters and multiply-adds of one of GluonCV's detectors."""
    peer = PeerDetector(name)
    held, cost = count_network(peer.net, *peer.size)
    return {"parameters": {"whole": held}, "multiply_adds": {"whole": cost}, "size": list(peer.size), "passes": 1,
            "model": PEERS[name][0]}


def count_classifier(side=224):
    """Table 7's network: parameters and multiply-adds of its body and its last layer."""
    (held, cost), (body_held, body_cost) = (count_network(net, side, side) for net in (
        XceptionClassifier(), Xception(last_stride=2)))
    return {"parameters": {"body": body_held, "head": held - body_held}, "size": [side, side], "passes": 1,
            "multiply_adds": {"body": body_cost, "head": cost - body_cost}, "model": "XceptionClassifier"}


def measure(rows, with_peers, with_growth, state, repeats, threads, tell, again=False):
    """Times and memory of what has not been measured, kept in `state`.

    All rows asked for are timed by turns in one process, unless each has been.

    Args:
        rows: names.
        with_peers: GluonCV's detectors beside them.
        with_growth: the growth of cost too.
        state: State; "times", "machine" and "growth", and "memory/ROW" by row.
        repeats: timed turns.
        threads: of MXNet.
        tell: takes lines of text.
        again: measure what has been measured, too.
    """
    names = rows + (list(PEERS) if with_peers else [])
    kept = state.get("times") or {}
    if again or not set(names) <= set(kept):
        tell("timing %d detectors, %d turns each" % (len(names), repeats + 1))
        times = time_rows(rows, with_peers, repeats)
        # Figures of other runs do not stand side by side with these.
        state.put("machine", describe_machine())
        state.put("times", times)
    for name in names:
        if again or state.get("memory/" + name) is None:
            tell("memory of %s" % name)
            state.put("memory/" + name, {"bytes": measuring.peak_memory(name if name in PEERS else row_file(name))})
    if with_growth and (again or state.get("growth") is None):
        tell("growth of cost with classes, RoIs and image size")
        state.put("growth", growth.grow({name: row_config(name) for name in growth.ROWS}, repeats))


def time_rows(rows, with_peers, repeats):
    """`measuring.time_detectors` of rows, those that run alike once, and of GluonCV's with and without their NMS."""
    detectors, alike = {}, {}
    for name in rows:
        cfg = row_config(name)
        same = repr((cfg.network, cfg.CLASS_AGNOSTIC, input_size(cfg),
                     [(key, value) for key, value in cfg.TEST.items() if key not in ("SCALES", "FLIP")]))
        first = alike.setdefault(same, name)
        alike[name] = first
        if first == name:
            detectors[name] = StagedDetector(cfg)
    if with_peers:
        for name in PEERS:
            detectors[name], detectors[name + NO_NMS] = PeerDetector(name), PeerDetector(name, nms=False)
    times = measuring.time_detectors(detectors, repeats)
    return dict(times, **{name: times[alike[name]] for name in rows})


def label_of(name):
    """What a row or one of GluonCV's detectors is called."""
    return PEERS[name][1] if name in PEERS else ROWS[name]
