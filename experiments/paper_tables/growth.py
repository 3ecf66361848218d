"""How the cost behind the backbone grows with classes, RoIs and the size of the image, counted and timed."""
import mxnet as mx
import numpy as np

from ...engine.config import test_scales, with_values
from .counting import count
from .detectors import row_net
from .measuring import time_calls
from .stages import StagedGraph

# Rows whose cost is followed; of these the neck, the warping and the head alone run, on random maps.
ROWS = ("b2", "faster_rcnn_2fc", "psroi_align", "s_800")
LABELS = {"b2": "R-FCN (B2)", "faster_rcnn_2fc": "Faster R-CNN, two-fc head", "psroi_align": "Light-Head R-CNN L",
          "s_800": "Light-Head R-CNN S"}
AFTER_BODY = ("neck", "warping", "head")
CLASSES = (21, 81, 601, 1231)
ROIS = (100, 300, 1000, 2000)
SIZES = ((400, 600), (600, 900), (800, 1200), (1000, 1500))
FIXED = {"classes": 81, "rois": 1000, "size": (800, 1200)}
AXES = {"classes": CLASSES, "rois": ROIS, "size": SIZES}


def points(axis):
    """The settings along an axis, dicts with classes (background counted), rois an image and size (height, width)."""
    return [dict(FIXED, **{axis: value}) for value in AXES[axis]]


class AfterBody:
    """A detector's neck, warping and head on random maps and RoIs.

    Args:
        cfg: a row's configuration.
        classes: background counted.
        rois: an image.
        size: (height, width) of the network input, pixels.

    Attributes:
        counted: `counting.count` of the whole detector.
    """

    def __init__(self, cfg, classes, rois, size):
        cfg = with_values(cfg, {"TEST.RPN_POST_NMS_TOP_N": rois, "TEST.SCALES": (tuple(size),) + test_scales(cfg)[1:]})
        net = row_net(cfg, classes)
        for block in (net.neck, net.head):
            block.initialize(mx.init.Normal(0.01))
        self._graph = StagedGraph(net, *size)
        self.counted = count(self._graph)
        self._blocks = [(stage, self._graph.block(stage)) for stage in AFTER_BODY]
        self._given = {}
        rng = np.random.RandomState(0)
        for pair in {pair for stage in AFTER_BODY for pair in self._graph.inputs(stage)}:
            if self._graph.stage[pair[0]] not in AFTER_BODY:
                shape = self._graph.shape(pair)
                values = _boxes(rng, rois, size) if shape == (rois, 5) else rng.standard_normal(shape)
                self._given[self._graph.name(pair)] = mx.nd.array(values)

    def __call__(self):
        values = dict(self._given)
        for stage, block in self._blocks:
            outputs = block(*[values[self._graph.name(pair)] for pair in self._graph.inputs(stage)])
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            values.update(zip(map(self._graph.name, self._graph.outputs(stage)), outputs))

    @property
    def multiply_adds(self):
        """Of the neck, the head and what lies between them."""
        return sum(self.counted["multiply_adds"][stage] for stage in AFTER_BODY)

    @property
    def bytes_held(self):
        """Of the maps that the RoIs are pooled from and of what is pooled, float32."""
        return 4 * (self.counted["map_channels"] * self.counted["cells"] + self.counted["warped_values"])


def grow(configs, repeats):
    """Cost of several rows along each of `AXES`.

    Args:
        configs: configurations by row name.
        repeats: timed turns; all rows at all settings of an axis take turns, so that drifts spare the ratios.

    Returns:
        list of dicts: axis, row, classes, rois, size, multiply_adds, bytes_held, milliseconds (`timing.quartiles`).
    """
    found = []
    for axis in AXES:
        parts = {(number, name): AfterBody(cfg, **point) for number, point in enumerate(points(axis))
                 for name, cfg in configs.items()}
        times = time_calls(parts, repeats)
        found += [dict(points(axis)[number], axis=axis, row=name, multiply_adds=part.multiply_adds,
                       bytes_held=part.bytes_held, milliseconds=times[number, name])
                  for (number, name), part in parts.items()]
    return found


def _boxes(rng, count, size):
    """RoIs (count, 5) of the first image: boxes of 16 pixels to the whole image, anywhere in it."""
    height, width = size
    sides = np.exp(rng.uniform(np.log(16), np.log([width, height]), (count, 2)))
    corner = rng.uniform(0, 1, (count, 2)) * ([width, height] - sides)
    return np.hstack([np.zeros((count, 1)), corner, corner + sides - 1])
