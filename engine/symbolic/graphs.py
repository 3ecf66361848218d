"""The symbolic graphs of a configuration, with the inputs that a batch brings and the metrics of their outputs."""
import json
from typing import NamedTuple

import mxnet as mx

from ...errors import ConfigError, DataError
from ... import symbols
from ..building import build
from ..config import with_values
from ..training.metrics import RCNN_METRICS, RPN_METRICS

LABELS = ("label", "bbox_target", "bbox_weight")


class TrainingGraph(NamedTuple):
    """What one kind of training runs."""

    symbol: mx.sym.Symbol
    data_names: tuple  # inputs from the data, the images first
    metrics: tuple  # functions of no arguments that make an mx.metric.EvalMetric


def training_graph(cfg, num_classes, part="end2end"):
    """The graph that `symbol` and `TRAIN` describe.

    Args:
        num_classes: background counted.
        part: "end2end", or for alternate training "rpn" (the proposal network) or "rcnn" (the rest, on given RoIs).

    Raises:
        ConfigError: the symbol is not known, or no graph can be built of the values.
    """
    ohem = cfg.TRAIN.ENABLE_OHEM
    if part == "rpn":
        return TrainingGraph(_symbol(symbols.get_symbol_rpn, cfg, num_classes, True), ("data",), RPN_METRICS)
    end2end = part == "end2end"
    rcnn_metrics = tuple(_with(metric, end2end, ohem) for metric in RCNN_METRICS)
    if end2end:
        return TrainingGraph(_symbol(symbols.get_symbol, cfg, num_classes, True), ("data", "im_info", "gt_boxes"),
                             RPN_METRICS + rcnn_metrics)
    return TrainingGraph(_symbol(symbols.get_symbol_rcnn, cfg, num_classes, True), ("data", "rois"), rcnn_metrics)


def test_graph(cfg, num_classes):
    """The graph that `symbol` and `TEST` describe; ConfigError as in `training_graph`."""
    return _symbol(symbols.get_symbol, cfg, num_classes, False)


# pytest must not take the function for a test where it is imported.
test_graph.__test__ = False


def proposal_graph(cfg, num_classes):
    """The graph that proposes RoIs for the next stage of alternate training, as `TEST.PROPOSAL_*` describe them."""
    test = cfg.TEST
    cfg = with_values(cfg, {
        "TEST.RPN_NMS_THRESH": test.PROPOSAL_NMS_THRESH, "TEST.RPN_PRE_NMS_TOP_N": test.PROPOSAL_PRE_NMS_TOP_N,
        "TEST.RPN_POST_NMS_TOP_N": test.PROPOSAL_POST_NMS_TOP_N, "TEST.RPN_MIN_SIZE": test.PROPOSAL_MIN_SIZE})
    return _symbol(symbols.get_symbol_rpn, cfg, num_classes, False)


def _symbol(get, cfg, num_classes, is_train):
    # One stride may stand in a list, as for pyramids.
    stride = cfg.network.RPN_FEAT_STRIDE
    cfg = with_values(cfg, {"dataset.NUM_CLASSES": num_classes,
                            "network.RPN_FEAT_STRIDE": stride[0] if isinstance(stride, tuple) else stride})
    try:
        return get(cfg.symbol, cfg, is_train)
    except ValueError as error:
        raise ConfigError(f"symbol: {error}") from None


def _with(metric, *arguments):
    return lambda: metric(*arguments)


def as_run(symbol, contexts):
    """The graph with this project's operators in the place of MXNet's that they equal, where they are faster.

    On the CPU that is the pooling of RoIs, 15 times. The graph that is saved stays as it was.

    Args:
        contexts: devices that run it.
    """
    graph = json.loads(symbol.tojson())
    pools = [node for node in graph["nodes"] if node["op"] == "_contrib_PSROIPooling"]
    if not pools or any(context.device_type != "cpu" for context in contexts):
        return symbol
    for node in pools:
        node["op"] = "ps_roi_pool"
        del node["attrs"]["group_size"]  # the native operator has one size for groups and bins, as all graphs here
    return mx.sym.load_json(json.dumps(graph))


class FeatureSize:
    """Function from the side of the network input in pixels to the side of the RPN's map in cells.

    The data workers call it, which must not call MXNet: all answers are found here.

    Args:
        symbol: a graph with the node `rpn_cls_score`.
        longest: the longest side.
        step: sides are multiples of it.
    """

    def __init__(self, symbol, longest, step):
        scores = symbol.get_internals()["rpn_cls_score_output"]
        shortest = -(-build.STRIDE // step) * step
        self._cells = {side: scores.infer_shape(data=(1, 3, side, side))[1][0][2]
                       for side in range(shortest, longest + 1, step)}

    def __call__(self, side):
        if side not in self._cells:
            raise DataError("an image that is %d pixels wide or high as the network reads it; the graph takes %d to %d"
                            % (side, min(self._cells), max(self._cells)))
        return self._cells[side]
