"""A symbolic graph at test, answering as the Gluon detectors do."""
import warnings

import mxnet as mx
from mxnet.gluon import HybridBlock, SymbolBlock

from ...operators import detections
from ..building import build
from .graphs import as_run, test_graph
from .weights import folded_boxes, initial_weights, parameter_shapes, read_weights


class SymbolDetector(HybridBlock):
    """The test graph of `symbol`, and detections from its outputs.

    Calling it: `ids, scores, bboxes = net(x, im_info)`, inputs and answers as those of `gluon_models.LightHeadRCNN`.

    Args:
        cfg: `symbol`, `network`, `TEST`.
        classes: names, background not among them.
        contexts: devices that hold the parameters.
        weights: function of the parameters' shapes, a dict by name, to NDArrays by name. Their layer of the boxes has
            the targets' means and standard deviations folded in.
    """

    def __init__(self, cfg, classes, contexts, weights):
        super().__init__(prefix="")
        self.classes = tuple(classes)
        self._class_agnostic = cfg.CLASS_AGNOSTIC
        self._rois = cfg.TEST.RPN_POST_NMS_TOP_N
        self._suppression = build.suppression(cfg)
        rois, prob, deltas = test_graph(cfg, len(self.classes) + 1)
        # Without the last reshapes, which fix the number of images in a batch.
        symbol = mx.sym.Group([rois, prob.get_children()[0], deltas.get_children()[0]])
        self.graph = graph_block(symbol, contexts, weights)
        self.hybridize()

    def hybrid_forward(self, F, x, im_info):
        return self.suppress(F, *self.candidates(F, x, im_info)[:2])

    def candidates(self, F, x, im_info):
        """Scores, boxes and counts of the RoIs, as of `gluon_models.TwoStageDetector`; all rows count."""
        rois, prob, deltas = self.graph(x, im_info)
        num_classes = len(self.classes) + 1
        scores = F.reshape(prob, shape=(-1, self._rois, num_classes))
        boxes = detections.class_boxes(F, rois, deltas, im_info, self._rois, num_classes, self._class_agnostic)
        return scores, boxes, F.sum(F.ones_like(F.slice_axis(scores, axis=2, begin=0, end=1)), axis=(1, 2))

    def suppress(self, F, scores, boxes, counts=None):
        """Detections among candidates of one frame, as of `gluon_models.TwoStageDetector`."""
        return detections.suppress(F, scores, boxes, counts, **self._suppression)


def graph_block(symbol, contexts, weights):
    """A block that runs a graph of `data` and `im_info`, for tests.

    Args:
        symbol: mx.sym.Symbol.
        contexts: devices that hold the parameters.
        weights: function of the parameters' shapes, a dict by name, to NDArrays by name.
    """
    values = weights(parameter_shapes(symbol, {"data": (1, 3, 224, 224), "im_info": (1, 3)}))
    with warnings.catch_warnings():
        # Inputs have no stored type, which is as it should be.
        warnings.filterwarnings("ignore", message="Cannot decide type")
        block = SymbolBlock(as_run(symbol, contexts), [mx.sym.Variable("data"), mx.sym.Variable("im_info")])
    for name, parameter in block.collect_params().items():
        # MXNet need keep no room for gradients.
        parameter.shape, parameter.grad_req = values[name].shape, "null"
        parameter.initialize(mx.init.Zero(), ctx=contexts)
        parameter.set_data(values[name])
    return block


def load_detector(cfg, classes, contexts, path, allow_partial=False):
    """The detector with the parameters of a file; those of a Gluon model with the same layers serve too.

    Returns:
        SymbolDetector, and the lines that say what of the file does not fit (`allow_partial`).

    Raises:
        CheckpointError: unreadable file, or without `allow_partial` a list of every parameter that does not fit.
    """
    problems = []

    def weights(shapes):
        initial = initial_weights(cfg, shapes, start={})[0] if allow_partial else None
        values, misfits, folded = read_weights(path, shapes, initial, for_test=True)
        problems.extend(misfits)
        if not folded:
            values.update(folded_boxes(cfg, values))
        return values

    return SymbolDetector(cfg, classes, contexts, weights), problems
