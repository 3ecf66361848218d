"""A whole detector as one ONNX graph, from raw images to boxes."""
from typing import TYPE_CHECKING, Mapping, Optional, Sequence

import numpy as np
from mxnet.gluon import HybridBlock

from ...inference.input_preparation import InputPreparation
from .builder import FLOAT, INT32, GraphBuilder
from .translation import translate

if TYPE_CHECKING:
    import onnx

# A batch and sides that every network can read, to trace it with.
_SAMPLE, _SAMPLE_ROIS = (2, 3, 256, 320), 7


def detector_model(net: HybridBlock, preparation: InputPreparation,
                   metadata: Optional[Mapping[str, str]] = None) -> "onnx.ModelProto":
    """Writes a detector as an ONNX model of standard operators alone.

    Inputs:
        images: float32 (N, 3, H, W), RGB from 0 to 255, of any batch and size. Means, deviations and padding to a
            multiple of the network's stride are part of the model.
        im_info: float32 (M, 3), rows (height, width, scale): the size in pixels of each image in the batch, where
            images are smaller than the batch, and the scale from the original image to this one, which only a smallest
            side of proposals looks at. M is N, or 1 for a batch of equal images. It may be left out, and a row of zeros
            says the same: images then fill the batch and have scale 1. OpenVINO takes an input that may be left out as
            the constant that it is then; put a parameter in the place of the constant `im_info` to use it there.

        proposals: float32 (N, R, 4), where the network needs them: rows (x1, y1, x2, y2) in pixels of `images`, far
            ends inclusive; rows of -1 are padding.

    Outputs, K rows an image, best first, filled with -1 where fewer objects are found:
        boxes: float32 (N, K, 4), rows (x1, y1, x2, y2) in pixels of `images`, far ends inclusive.
        scores: float32 (N, K), probabilities.
        classes: int32 (N, K), places in the detector's list of classes.
        counts: int32 (N,), how many objects each image has.

    Args:
        net: detector with parameters, called as `ids, scores, boxes = net(x, im_info)`, or with RoIs as a third input
            where its attribute `needs_proposals` is true.
        preparation: the means, deviations and stride of its inputs; sizes are not part of the model.
        metadata: texts to store in the file, by name.

    Raises:
        ModelError: the network has an operator that cannot be written in ONNX; the message names it.
        LibraryError: the package onnx is not installed.
    """
    g = GraphBuilder("detector")
    images = g.input("images", np.float32, ("N", 3, "H", "W"))
    im_info = g.input("im_info", np.float32, ("M", 3), default=np.zeros((1, 3)))
    with g.scope("preparation"):
        sizes = _pixel_sizes(g, images, im_info)
        im_info = _image_sizes(g, images, im_info)
        x = _normalised(g, images, sizes, preparation.means, preparation.stds)
        x = _padded(g, x, preparation.stride)
    inputs = {"data": (x, _SAMPLE), "im_info": (im_info, (_SAMPLE[0], 3))}
    if getattr(net, "needs_proposals", False):
        inputs["proposals"] = g.input("proposals", np.float32, ("N", "R", 4)), (_SAMPLE[0], _SAMPLE_ROIS, 4)
    ids, scores, boxes = translate(g, net, inputs)
    with g.scope("answer"):
        last_axis = g.constant(np.array([2], np.int64))
        ids, scores = (g.add("Squeeze", [value, last_axis]) for value in (ids, scores))
        found = g.add("Cast", [g.add("GreaterOrEqual", [ids, g.constant(np.float32(0))])], to=INT32)
        counts = g.add("ReduceSum", [found, g.constant(np.array([1], np.int64))], keepdims=0)
        classes = g.add("Cast", [ids], to=INT32)
    g.output(boxes, "boxes", np.float32, ("N", "K", 4))
    g.output(scores, "scores", np.float32, ("N", "K"))
    g.output(classes, "classes", np.int32, ("N", "K"))
    g.output(counts, "counts", np.int32, ("N",))
    return g.model(metadata)


def _sides(g: GraphBuilder, images: str) -> str:
    """int64 (2,): height and width of a batch."""
    return g.add("Slice", [g.add("Shape", [images]), g.constant(np.array([2], np.int64)),
                           g.constant(np.array([4], np.int64))])


def _image_sizes(g: GraphBuilder, images: str, im_info: str) -> str:
    """The im_info of every image, float32 (N, 3), where a row of zeros stands for an image that fills the batch."""
    one, three = g.constant(np.ones(1, np.float32)), g.constant(np.array([3], np.int64))
    whole = g.add("Concat", [g.add("Cast", [_sides(g, images)], to=FLOAT), one], axis=0)
    given = g.add("Greater", [im_info, g.constant(np.float32(0))])
    batch = g.add("Slice", [g.add("Shape", [images]), g.constant(np.array([0], np.int64)),
                            g.constant(np.array([1], np.int64))])
    return g.add("Expand", [g.add("Where", [given, im_info, whole]), g.add("Concat", [batch, three], axis=0)])


def _pixel_sizes(g: GraphBuilder, images: str, im_info: str) -> str:
    """Height and width of every image in whole pixels, int32 (M, 3), by the rule of `_image_sizes`.

    In bfloat16 OpenVINO computes what leads to a convolution in bfloat16, which has eight digits, unless it reads an
    input of the model: there each number is split into two of seven digits.
    """
    high = g.add("Floor", [g.add("Mul", [im_info, g.constant(np.float32(1 / 128))])])
    low = g.add("Sub", [im_info, g.add("Mul", [high, g.constant(np.float32(128))])])
    high, low = (g.add("Cast", [part], to=INT32) for part in (high, low))
    given = g.add("Add", [g.add("Mul", [high, g.constant(np.int32(128))]), low])
    whole = g.add("Cast", [g.add("Concat", [_sides(g, images), g.constant(np.ones(1, np.int64))], axis=0)], to=INT32)
    return g.add("Where", [g.add("Greater", [given, g.constant(np.int32(0))]), given, whole])


def _normalised(g: GraphBuilder, images: str, sizes: str, means: Sequence[float], stds: Sequence[float]) -> str:
    """Images less the means, over the deviations; 0 beyond the size of each image."""
    means, stds = (np.array(numbers, np.float32).reshape(1, 3, 1, 1) for numbers in (means, stds))
    x = g.add("Sub", [images, g.constant(means)])
    if (stds != 1).any():
        x = g.add("Div", [x, g.constant(stds)])
    is_inside = [g.add("Less", [_places(g, images, axis), _size(g, sizes, axis)]) for axis in (0, 1)]
    return g.add("Where", [g.add("And", is_inside), x, g.constant(np.float32(0))])


def _places(g: GraphBuilder, images: str, axis: int) -> str:
    """The rows or columns 0, 1, 2, ... of a batch, int32 (1, 1, H, 1) or (1, 1, 1, W)."""
    side = g.add("Gather", [g.add("Shape", [images]), g.constant(axis + 2)])
    places = g.add("Cast", [g.add("Range", [g.constant(0), side, g.constant(1)])], to=INT32)
    shape = [1, 1, -1, 1] if axis == 0 else [1, 1, 1, -1]
    return g.add("Reshape", [places, g.constant(np.array(shape, np.int64))])


def _size(g: GraphBuilder, sizes: str, column: int) -> str:
    """The heights or widths of images, int32 (M, 1, 1, 1)."""
    column = g.add("Gather", [sizes, g.constant(column)], axis=1)
    return g.add("Reshape", [column, g.constant(np.array([-1, 1, 1, 1], np.int64))])


def _padded(g: GraphBuilder, x: str, stride: int) -> str:
    """Rows and columns of zeros at the far sides, up to multiples of the stride."""
    if stride == 1:
        return x
    step, sides = g.constant(np.array([stride], np.int64)), _sides(g, x)
    missing = g.add("Mod", [g.add("Sub", [step, g.add("Mod", [sides, step])]), step])
    # Of an array of four axes OpenVINO may make one with channels last, which it pads slowly; not so of three axes.
    planes = g.add("Reshape", [x, g.add("Concat", [g.constant(np.array([-1], np.int64)), sides], axis=0)])
    planes = g.add("Pad", [planes, g.add("Concat", [g.constant(np.zeros(4, np.int64)), missing], axis=0)])
    colours = g.constant(np.array([-1, 3], np.int64))
    return g.add("Reshape", [planes, g.add("Concat", [colours, g.add("Add", [sides, missing])], axis=0)])
