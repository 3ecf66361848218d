"""The test graph of a configuration as a detector, which is called and answers like the Gluon detectors."""
from types import ModuleType
from typing import List, Mapping, Optional, Sequence, Tuple

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ...operators import detections
from ...operators.arrays import Array
from ..building.network import suppression_options
from .blocks import graph_block
from .graphs import test_graph
from .weights import fold_box_normalization, initial_weights, parameter_shapes, read_weights

TEST_INPUTS = ("data", "im_info")


class SymbolDetector(HybridBlock):
    """Runs the test graph of `symbol` and chooses detections from its outputs.

    It is called as `ids, scores, bboxes = net(x, im_info)`, with the same inputs and outputs as
    `gluon_models.TwoStageDetector`.

    Args:
        cfg: `symbol` and the sections `network` and `TEST` are read.
        classes: class names, background not among them.
        contexts: the devices that hold the parameters.
        weights: parameters by name, the box layer with the means and standard deviations of the targets folded in.
    """

    def __init__(self, cfg: CfgNode, classes: Sequence[str], contexts: Sequence[mx.Context],
                 weights: Mapping[str, mx.nd.NDArray]):
        super().__init__(prefix="")
        self.classes = tuple(classes)
        self._class_agnostic = cfg.CLASS_AGNOSTIC
        self._rois = cfg.TEST.RPN_POST_NMS_TOP_N
        self._suppression = suppression_options(cfg)
        rois, prob, deltas = test_graph(cfg, len(self.classes) + 1)
        # The last reshapes are left out, because they fix the number of images in a batch.
        symbol = mx.sym.Group([rois, prob.get_children()[0], deltas.get_children()[0]])
        self.graph = graph_block(symbol, TEST_INPUTS, contexts, weights)
        self.hybridize()

    def hybrid_forward(self, F: ModuleType, x: Array, im_info: Array) -> Sequence[Array]:
        return self.suppress(F, *self.candidates(F, x, im_info)[:2])

    def candidates(self, F: ModuleType, x: Array, im_info: Array) -> Tuple[Array, Array, Array]:
        """Like `gluon_models.TwoStageDetector.candidates`: scores, boxes and numbers of RoIs; no row is padding."""
        rois, prob, deltas = self.graph(x, im_info)
        num_classes = len(self.classes) + 1
        scores = F.reshape(prob, shape=(-1, self._rois, num_classes))
        boxes = detections.class_boxes(F, rois, deltas, im_info, self._rois, num_classes, self._class_agnostic)
        return scores, boxes, F.sum(F.ones_like(F.slice_axis(scores, axis=2, begin=0, end=1)), axis=(1, 2))

    def suppress(self, F: ModuleType, scores: Array, boxes: Array, counts: Optional[Array] = None) -> Sequence[Array]:
        """Like `gluon_models.TwoStageDetector.suppress`: chooses detections among candidates."""
        return detections.suppress(F, scores, boxes, counts, **self._suppression)


def test_shapes(cfg: CfgNode, num_classes: int) -> Mapping[str, Tuple[int, ...]]:
    """Returns the shapes of the test graph's parameters by name; `num_classes` includes the background."""
    images = cfg.TEST.BATCH_IMAGES
    return parameter_shapes(test_graph(cfg, num_classes), {"data": (images, 3, 224, 224), "im_info": (images, 3)})


# pytest must not take the function for a test where it is imported.
test_shapes.__test__ = False


def load_symbol_detector(cfg: CfgNode, classes: Sequence[str], contexts: Sequence[mx.Context], path: str,
                         allow_partial: bool = False) -> Tuple[SymbolDetector, List[str]]:
    """Makes the detector with the parameters of a file, which may be that of a Gluon model with the same layers.

    Returns:
        The detector, and with `allow_partial` a line for each parameter that does not fit.

    Raises:
        CheckpointError: the file cannot be read, or, without `allow_partial`, parameters do not fit; the message lists
            all of them.
    """
    shapes = test_shapes(cfg, len(classes) + 1)
    initial = initial_weights(cfg, shapes, start={})[0] if allow_partial else None
    weights, problems, folded = read_weights(path, shapes, initial, for_test=True)
    if not folded:
        weights.update(fold_box_normalization(cfg, weights))
    return SymbolDetector(cfg, classes, contexts, weights), problems
