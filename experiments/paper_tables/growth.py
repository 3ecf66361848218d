"""How the cost behind the backbone grows with the classes, the RoIs and the size of the image, counted and timed."""
from typing import Any, Dict, List, Mapping, Tuple

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from ...engine.config import test_scales, with_values
from .counting import count_stages
from .detectors import Size, build_row_net
from .measuring import time_calls
from .stages import StagedGraph

# The rows whose growth is followed, and what the page and the plot call them.
LABELS = {"b2": "R-FCN (B2)", "faster_rcnn_2fc": "Faster R-CNN, two-fc head", "psroi_align": "Light-Head R-CNN L",
          "s_800": "Light-Head R-CNN S"}
ROWS = tuple(LABELS)
# The stages that run.
AFTER_BODY = ("neck", "warping", "head")
# Along each axis the setting changes and the others stay as FIXED has them. classes: background counted; rois: an
# image; size: (height, width) of the network input in pixels.
AXES: Dict[str, Tuple[Any, ...]] = {
    "classes": (21, 81, 601, 1231),
    "rois": (100, 300, 1000, 2000),
    "size": ((400, 600), (600, 900), (800, 1200), (1000, 1500)),
}
FIXED: Dict[str, Any] = {"classes": 81, "rois": 1000, "size": (800, 1200)}


def settings_along(axis: str) -> List[Dict[str, Any]]:
    """Returns the settings along an axis, dicts with classes, rois and size."""
    return [dict(FIXED, **{axis: value}) for value in AXES[axis]]


class AfterBody:
    """A detector's neck, warping and head on random maps and RoIs; called, it runs them.

    Args:
        cfg: the configuration of a row.
        classes, rois, size: see `AXES`.

    Attributes:
        counted: what `counting.count_stages` says of the whole detector.
    """

    def __init__(self, cfg: CfgNode, classes: int, rois: int, size: Size):
        cfg = with_values(cfg, {"TEST.RPN_POST_NMS_TOP_N": rois, "TEST.SCALES": (tuple(size),) + test_scales(cfg)[1:]})
        net = build_row_net(cfg, classes)
        for block in (net.neck, net.head):
            block.initialize(mx.init.Normal(0.01))
        self._graph = StagedGraph(net, *size)
        self.counted = count_stages(self._graph)
        self._blocks = [(stage, self._graph.block(stage)) for stage in AFTER_BODY]
        self._inputs = {}
        rng = np.random.RandomState(0)
        for entry in {entry for stage in AFTER_BODY for entry in self._graph.inputs(stage)}:
            if self._graph.stage[entry[0]] not in AFTER_BODY:
                shape = self._graph.shape(entry)
                values = _random_rois(rng, rois, size) if shape == (rois, 5) else rng.standard_normal(shape)
                self._inputs[self._graph.name(entry)] = mx.nd.array(values)

    def __call__(self) -> None:
        """Starts the work in MXNet, and does not wait for it."""
        values = dict(self._inputs)
        for stage, block in self._blocks:
            outputs = block(*[values[self._graph.name(entry)] for entry in self._graph.inputs(stage)])
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            values.update(zip(map(self._graph.name, self._graph.outputs(stage)), outputs))

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of the stages that run."""
        return sum(self.counted["multiply_adds"][stage] for stage in AFTER_BODY)

    @property
    def bytes_held(self) -> int:
        """The bytes of the maps that the RoIs are pooled from and of the pooled RoIs, in float32."""
        return 4 * (self.counted["map_channels"] * self.counted["cells"] + self.counted["warped_values"])


def measure_growth(configs: Mapping[str, CfgNode], repeats: int) -> List[Dict[str, Any]]:
    """Measures the cost of several rows along each of `AXES`.

    Args:
        configs: configurations by name of the row.
        repeats: how many turns are timed. All rows at all settings of an axis take turns, so that a machine that slows
            down does not change the ratios.

    Returns:
        Dicts with axis, row, classes, rois, size, multiply_adds, bytes_held, and milliseconds (`timing.quartiles`).
    """
    found = []
    for axis in AXES:
        settings = settings_along(axis)
        parts = {(number, name): AfterBody(cfg, **setting) for number, setting in enumerate(settings)
                 for name, cfg in configs.items()}
        times = time_calls(parts, repeats)
        found += [dict(settings[number], axis=axis, row=name, multiply_adds=part.multiply_adds,
                       bytes_held=part.bytes_held, milliseconds=times[number, name])
                  for (number, name), part in parts.items()]
    return found


def ratio_of_growth(growth: List[Dict[str, Any]], row: str, figure: str) -> float:
    """Returns how many times as much a row costs at the most classes as at the fewest.

    Args:
        growth: from `measure_growth`.
        row: name.
        figure: "multiply_adds", "bytes_held" or "milliseconds" (whose medians are compared).
    """
    line = sorted((point for point in growth if point["axis"] == "classes" and point["row"] == row),
                  key=lambda point: point["classes"])
    first, last = (point[figure]["median"] if isinstance(point[figure], dict) else point[figure]
                   for point in (line[0], line[-1]))
    return last / first


def _random_rois(rng: np.random.RandomState, count: int, size: Size) -> np.ndarray:
    """Makes RoIs (count, 5) of the first image: boxes of 16 pixels to the whole image, anywhere in it."""
    height, width = size
    sides = np.exp(rng.uniform(np.log(16), np.log([width, height]), (count, 2)))
    corner = rng.uniform(0, 1, (count, 2)) * ([width, height] - sides)
    return np.hstack([np.zeros((count, 1)), corner, corner + sides - 1])
