"""A detector that runs its network in fused form."""
import logging
from types import ModuleType
from typing import List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from ....operators.arrays import Array
from ...inference.detector import Detector
from ...inference.test_time_augmentation import MultiView, NetworkInput
from .graph import block_of, fuse_graph, on_cpus, plan_of, with_onednn

_LOGGER = logging.getLogger("light_head_rcnn")
_INPUTS = ("data", "im_info", "rois")  # the last one where the network needs proposals
# How far the scores or boxes (in pixels) of the fused form may be off in the trial, in the mean: sums are rounded
# otherwise.
_TOLERANCE = 1e-2
_TRIAL_SIZE = (128, 160)
_TRIAL_ROIS = ((0, 0, 159, 127), (20, 30, 90, 100), (-1, -1, -1, -1))


class FusedNetwork(HybridBlock):
    """A detector's network in fused form, with the parameters that it has now; called and answering as the network.

    Args:
        net: has the methods `candidates` and `suppress` of `gluon_models.TwoStageDetector` or `gluon_models.FastRCNN`.
        contexts: the devices that hold the parameters. On CPUs oneDNN's passes are applied, too.
    """

    def __init__(self, net: HybridBlock, contexts: Sequence[mx.Context]):
        super().__init__(prefix="")
        # The method alone: the network must not become a child, whose parameters would be this block's.
        self._suppress = net.suppress
        onednn, names = on_cpus(contexts), _INPUTS[:_input_count(net)]
        graph = fuse_graph(lambda *inputs: net.candidates(mx.sym, *inputs), names, net, onednn)
        self.graph = block_of(with_onednn(graph.symbol) if onednn else graph.symbol, names, graph.arrays, contexts)
        self.hybridize(**plan_of(onednn))

    def hybrid_forward(self, F: ModuleType, *inputs: Array) -> Sequence[Array]:
        return self.suppress(F, *self.candidates(F, *inputs))

    def candidates(self, F: ModuleType, *inputs: Array) -> Tuple[Array, Array, Array]:
        """See `gluon_models.TwoStageDetector`."""
        return tuple(self.graph(*inputs))

    def suppress(self, F: ModuleType, scores: Array, boxes: Array, counts: Optional[Array] = None) -> Sequence[Array]:
        """See `gluon_models.TwoStageDetector`."""
        return self._suppress(F, scores, boxes, counts)


class FusedDetector(Detector):
    """A detector that runs its network in fused form, until somebody takes the network.

    Whoever has the network can train it or load other parameters. From the moment when the attribute `net` is read, the
    detector therefore runs the network itself, and never answers with parameters that the network no longer has.

    Args:
        detector: of a network that nobody else uses or changes.
        fused: the network in fused form.

    Attributes:
        is_fused: whether the fused form runs.
        further attributes: see `Detector`.
    """

    def __init__(self, detector: Detector, fused: FusedNetwork):
        self.is_fused = True
        super().__init__(detector.net, detector.classes, detector.preparation, detector.contexts, detector.flip,
                         detector.source, detector.max_megapixels, detector.rois)
        self._running = MultiView(fused, detector.flip)
        self.views = self._views
        self.is_fused = True

    @property
    def net(self) -> HybridBlock:
        """The network."""
        if self.is_fused:
            self.is_fused, self._running = False, MultiView(self._net, self.flip)
        return self._net

    @net.setter
    def net(self, net: HybridBlock) -> None:
        self._net = net

    def _views(self, inputs: Sequence[NetworkInput], ctx: mx.Context) -> List[mx.nd.NDArray]:
        return self._running(inputs, ctx)


def fused_detector(detector: Detector) -> Detector:
    """Returns a detector that answers as this one does, faster where its network can be fused.

    The fused form is tried on a small image of noise first. Where it fails, or answers otherwise, which would be a
    fault of MXNet's passes for oneDNN, a line of the log says so, and the detector is returned as it is.

    Args:
        detector: of a network that nobody else uses or changes; see `FusedDetector`.
    """
    try:
        fused = FusedNetwork(detector.net, detector.contexts)
        difference = _trial(detector, fused)
    except mx.MXNetError as error:
        reason = (str(error).strip() or repr(error)).splitlines()[-1]
        _LOGGER.warning("the network runs as it is, not in fused form: %s", reason)
        return detector
    if not difference <= _TOLERANCE:
        _LOGGER.warning("the network runs as it is, not in fused form, which answers otherwise (by %.2g)", difference)
        return detector
    return FusedDetector(detector, fused)


def _trial(detector: Detector, fused: FusedNetwork) -> float:
    """The mean difference of the candidates' scores and boxes on noise, the larger one; NaN where one is not finite.

    Both are sorted, because RoIs of nearly equal scores may change places.
    """
    stride, context = detector.preparation.stride, detector.contexts[0]
    height, width = (-(-side // stride) * stride for side in _TRIAL_SIZE)
    x = np.random.RandomState(0).uniform(-100, 100, (1, 3, height, width))
    arrays = (x, [[height, width, 1]], [_TRIAL_ROIS])[:_input_count(detector.net)]
    inputs = [mx.nd.array(array, ctx=context) for array in arrays]
    answers = [[np.sort(array.asnumpy(), axis=None) for array in net.candidates(mx.nd, *inputs)[:2]]
               for net in (detector.net, fused)]
    return float(np.max([np.mean(abs(one - other)) if one.shape == other.shape else np.inf
                         for one, other in zip(*answers)]))


def _input_count(net: HybridBlock) -> int:
    return 3 if getattr(net, "needs_proposals", False) else 2
