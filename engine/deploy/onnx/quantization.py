"""Writes the convolutions and hidden layers of a detector in int8.

The model stays one of standard operators: what a layer reads goes through QuantizeLinear and DequantizeLinear, and its
weights are stored as int8 before a DequantizeLinear with one scale for each output channel. ONNX Runtime and OpenVINO
compute such a layer in whole numbers. The ranges of values come from running the detector on images.
"""
import contextlib
import importlib
import logging
import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List

import numpy as np

from ....errors import LibraryError
from .bias_correction import correct_biases
from .builder import import_onnx

if TYPE_CHECKING:
    import onnx

# How many images the ranges are taken from, unless a number is named.
DEFAULT_IMAGES = 64
# Parts of the names, and of the names of inputs, of the layers that stay in float32, and why. The figures are from
# detectors on EfficientNet-Lite0 for kangaroos and blood cells: what a layer moves boxes and scores if it alone is in
# int8, as the median of boxes in pixels of the photograph, and the mean of scores.
FLOAT_LAYERS = {
    "preparation/": "the first layer (0.5, 0.025): all others see its errors; on blood cells all boxes moved 0.96 in "
                    "place of 1.36 pixels without them",
    "rpn_cls_score": "(0.2, 0.020) its logits order thousands of anchors, which differ by less than a step of int8",
    "rpn_bbox_pred": "(2.0, 0.022) one range for the offsets of all anchors has steps of pixels for large ones",
    "cls_score": "(0.1, 0.003) the scores themselves; it is too small to save time",
    "bbox_pred": "(0.4, 0.001) the boxes themselves; it is too small to save time",
    "rfcn_cls": "cls_score of R-FCN",
    "rfcn_bbox": "bbox_pred of R-FCN",
}
# Operators with weights, and those behind them that pass on or join numbers of eight bits. What belongs to detection
# (decoding, suppression, pooling from proposals) is none of them, or does not stand behind them.
_LAYERS = ("Conv", "Gemm")
_FOLLOWERS = ("Relu", "Clip", "MaxPool", "Add", "Concat")
_WARNING, _ERROR = 2, 3  # severities of ONNX Runtime, of which the first is its own


def quantized_nodes(model: "onnx.ModelProto") -> List[str]:
    """The names of the nodes that are computed in int8, in the order of the graph.

    These are layers with constant weights that `FLOAT_LAYERS` does not name, and activations, maximum poolings, sums
    and concatenations of nothing but the outputs of such nodes.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    names, outputs = [], set()
    for node in model.graph.node:
        if node.op_type in _LAYERS:
            is_chosen = node.input[1] in constants and not any(
                part in name for part in FLOAT_LAYERS for name in (node.name, node.input[0]))
        else:
            is_chosen = node.op_type in _FOLLOWERS and all(
                value in outputs or value in constants and node.op_type == "Clip" for value in node.input)
        if is_chosen:
            names.append(node.name)
            outputs.update(node.output)
    return names


def quantize(model: "onnx.ModelProto", inputs: Iterable[Dict[str, np.ndarray]]) -> "onnx.ModelProto":
    """Returns a detector with layers in int8; the same inputs give the same model.

    ONNX Runtime's static quantization does it: uint8 from the least to the largest value of each activation in all
    images, and int8 by the largest weight of each output channel. Before, biases are corrected. Means of the images'
    least and largest values left boxes nearer to those of float32 on kangaroos, but cut off what rare objects cause: on
    blood cells platelets, 7 in 100 boxes, fell from 19.9 to 18.0 AP, and did not fall without means.

    Args:
        model: of `detector_model`; it is not changed.
        inputs: {input of the model: array}, one image each; there is at least one. They are gone through twice.

    Raises:
        LibraryError: onnx or onnxruntime is not installed.
    """
    onnx, tools = import_onnx(), import_quantization()
    names = quantized_nodes(model)
    # ONNX Runtime 1.19 sets the range of every Softmax, and fails where it was not asked for.
    kinds = sorted({node.op_type for node in model.graph.node if node.name in set(names)} | {"Softmax"})
    result = onnx.ModelProto()
    result.CopyFrom(model)
    correct_biases(result, names, inputs)
    # ONNX Runtime warns of inputs that may be left out.
    given = {value.name for value in result.graph.input}
    defaults = [tensor for tensor in model.graph.initializer if tensor.name in given]
    for tensor in defaults:
        result.graph.initializer.remove(tensor)
    with tempfile.TemporaryDirectory() as folder, _silent_tools():
        before, after = str(Path(folder, "float32.onnx")), str(Path(folder, "int8.onnx"))
        onnx.save(result, before)
        tools.quantize_static(
            before, after, _reader(tools, inputs), quant_format=tools.QuantFormat.QDQ, op_types_to_quantize=kinds,
            per_channel=True, activation_type=tools.QuantType.QUInt8, weight_type=tools.QuantType.QInt8,
            nodes_to_quantize=names, calibrate_method=tools.CalibrationMethod.MinMax)
        # The rest of the model stays what it was, without the notes of the tools.
        result.CopyFrom(model)
        result.graph.CopyFrom(onnx.load(after).graph)
    result.graph.initializer.extend(defaults)
    del result.graph.value_info[:]
    import_onnx("onnx.checker").check_model(result, full_check=True)
    return result


def import_quantization() -> ModuleType:
    """Imports the tools of ONNX Runtime that quantize.

    Raises:
        LibraryError: onnxruntime is not installed, or does not fit what is installed beside it.
    """
    try:
        return importlib.import_module("onnxruntime.quantization")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "onnxruntime"
        reason = "is not installed" if missing else f"cannot be imported ({error})"
        raise LibraryError(f"int8 needs the package onnxruntime, which {reason}. Install it with: "
                           "pip install 'light_head_rcnn[int8]'") from None


def _reader(tools: ModuleType, inputs: Iterable[Dict[str, np.ndarray]]) -> object:
    """The inputs in the form in which ONNX Runtime asks for them."""
    iterator = iter(inputs)

    class Reader(tools.CalibrationDataReader):
        def get_next(self) -> Dict[str, np.ndarray]:
            return next(iterator, None)

    return Reader()


@contextlib.contextmanager
def _silent_tools() -> Iterator[None]:
    """Drops what ONNX Runtime's tools log by the root logger, and its own warnings of values that no node reads."""
    runtime = importlib.import_module("onnxruntime")
    runtime.set_default_logger_severity(_ERROR)
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)  # without any, a message would add one that stays
    root.addFilter(_nothing)
    try:
        yield
    finally:
        root.removeFilter(_nothing)
        root.removeHandler(handler)
        runtime.set_default_logger_severity(_WARNING)


def _nothing(record: logging.LogRecord) -> bool:
    return False
