"""Calls the C interface of the kernels (operators/native/kernels.h) through ctypes, on the CPU and on a device.

It needs only NumPy, and PyTorch for a real GPU. A device holds the arrays for the lhrcnn_cuda_ functions: `HostDevice`
for the emulator, `TorchDevice` for a GPU.
"""
import ctypes
from ctypes import POINTER, c_double, c_int, c_int32, c_int64, c_size_t, c_void_p

import numpy as np


def _structure(name, **kinds):
    fields = [(field, kind) for kind, names in kinds.items() for field in names.split()]
    types = {"int64": c_int64, "int32": c_int32, "double": c_double, "pointer": POINTER(c_double)}
    return type(name, (ctypes.Structure,), {"_fields_": [(field, types[kind]) for field, kind in fields]})


PsRoiAlign = _structure("PsRoiAlign", int64="images height width rois",
                        int32="output_dim pooled_size sampling_ratio mode aligned border", double="spatial_scale")
PsRoiPool = _structure("PsRoiPool", int64="images height width rois", int32="output_dim pooled_size",
                       double="spatial_scale")
RoiMaxPool = _structure("RoiMaxPool", int64="images height width rois", int32="channels pooled_height pooled_width",
                        double="spatial_scale")
RpnProposal = _structure("RpnProposal", int64="images height width",
                         int32="num_anchors feature_stride pre_nms post_nms channels feature_size pad",
                         double="nms_threshold min_size", pointer="anchors")
MulticlassNms = _structure("MulticlassNms", int64="images boxes",
                           int32="classes box_classes background pre_nms max_per_image soft inclusive",
                           double="score_threshold nms_threshold sigma")
CHOICES = {"mode": ("avg", "max"), "border": ("clamp", "zero"), "channels": ("split", "interleaved"),
           "feature_size": ("map", "im_info"), "pad": ("empty", "repeat"), "soft": ("none", "linear", "gaussian")}


class HostDevice:
    """Arrays in the memory of the CPU, for a library whose device is emulated. New arrays are full of NaN or -1."""

    @staticmethod
    def put(array):
        return np.ascontiguousarray(array)

    @staticmethod
    def empty(shape, dtype):
        return np.frombuffer(bytearray(b"\xff" * max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)),
                             dtype, int(np.prod(shape))).reshape(shape)

    @staticmethod
    def get(array):
        return array

    @staticmethod
    def pointer(array):
        return c_void_p(array.ctypes.data)

    stream = None


class TorchDevice:
    """Arrays of PyTorch on its current GPU. New arrays are full of NaN or -1; a write next to them is noticed."""

    GUARD = 256  # bytes before and after an array

    def __init__(self):
        import torch
        self.torch = torch

    def put(self, array):
        return self.torch.from_numpy(np.ascontiguousarray(array)).cuda()

    def empty(self, shape, dtype):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = self.torch.full((size + 2 * self.GUARD,), 255, dtype=self.torch.uint8, device="cuda")
        array = memory[self.GUARD:self.GUARD + size].view(getattr(self.torch, np.dtype(dtype).name)).reshape(shape)
        array.guarded = memory
        return array

    def get(self, array):
        guarded = array.guarded.cpu().numpy()
        if (guarded[:self.GUARD] != 255).any() or (guarded[len(guarded) - self.GUARD:] != 255).any():
            raise AssertionError("a kernel wrote next to its output")
        return array.cpu().numpy()

    @staticmethod
    def pointer(array):
        return c_void_p(array.data_ptr())

    @property
    def stream(self):
        return self.torch.cuda.current_stream().cuda_stream


class Kernels:
    """The functions of a library as methods that take and return NumPy arrays.

    The first array of a call decides which function is called by its type: float32, float64 on the CPU, or float16 on a
    device.

    Args:
        path: of the library.
        device: call the lhrcnn_cuda_ functions on it; None calls the functions for the CPU.
    """

    def __init__(self, path, device=None):
        self.library = ctypes.CDLL(str(path))
        self.device = device

    def ps_roi_align(self, data, rois, output_grad=None, **choices):
        """Returns the output, or, with the gradient of the output, the gradient of data."""
        options = _options(PsRoiAlign, images=data.shape[0], height=data.shape[2], width=data.shape[3], rois=len(rois),
                           **choices)
        if output_grad is None:
            return self._call("ps_roi_align_forward", "ps_roi_align", options, [data, _boxes(rois, data)],
                              [_pooled(options)])[0]
        read = data if choices.get("mode") == "max" else None
        return self._call("ps_roi_align_backward", "ps_roi_align", options,
                          [output_grad, read, _boxes(rois, data)], [data.shape])[0]

    def ps_roi_pool(self, data, rois, output_grad=None, **choices):
        """Returns the output, or, with the gradient of the output, the gradient of data."""
        options = _options(PsRoiPool, images=data.shape[0], height=data.shape[2], width=data.shape[3], rois=len(rois),
                           **choices)
        if output_grad is None:
            return self._call("ps_roi_pool_forward", "ps_roi_pool", options, [data, _boxes(rois, data)],
                              [_pooled(options)])[0]
        return self._call("ps_roi_pool_backward", "ps_roi_pool", options, [output_grad, _boxes(rois, data)],
                          [data.shape])[0]

    def roi_max_pool(self, data, rois, output_grad=None, **choices):
        """Returns the output, or, with the gradient of the output, the gradient of data."""
        options = RoiMaxPool(images=data.shape[0], channels=data.shape[1], height=data.shape[2], width=data.shape[3],
                             rois=len(rois), **choices)
        if output_grad is None:
            shape = options.rois, options.channels, options.pooled_height, options.pooled_width
            return self._call("roi_max_pool_forward", "roi_max_pool", options, [data, _boxes(rois, data)], [shape])[0]
        return self._call("roi_max_pool_backward", "roi_max_pool", options, [output_grad, data, _boxes(rois, data)],
                          [data.shape])[0]

    def rpn_proposal(self, cls_prob, bbox_pred, im_info, anchors, **choices):
        """Returns rois, scores and counts."""
        anchors = np.ascontiguousarray(anchors, np.float64)
        images, _, height, width = cls_prob.shape
        options = _options(RpnProposal, images=images, height=height, width=width, num_anchors=len(anchors),
                           anchors=anchors.ctypes.data_as(POINTER(c_double)), **choices)
        rows = images * options.post_nms
        return self._call("rpn_proposal", "rpn_proposal", options, [cls_prob, bbox_pred, _boxes(im_info, cls_prob)],
                          [(rows, 5), (rows,), (images,)], boxes_out=True)

    def multiclass_nms(self, scores, boxes, valid=None, **choices):
        """Returns output and counts."""
        images, rows, classes = scores.shape
        options = _options(MulticlassNms, images=images, boxes=rows, classes=classes,
                           box_classes=boxes.shape[2] if boxes.ndim == 4 else 1, **choices)
        return self._call("multiclass_nms", "multiclass_nms", options,
                          [scores, _boxes(boxes, scores), None if valid is None else _boxes(valid, scores)],
                          [(images, options.max_per_image, 6), (images,)], boxes_out=True)

    def _call(self, *arguments, **choices):
        run, outputs = self.bind(*arguments, **choices)
        run()
        return [(self.device or HostDevice).get(array) for array in outputs]

    def bind(self, name, operator, options, inputs, shapes, boxes_out=False):
        """Returns a function without arguments that calls the kernel, and the arrays that it writes."""
        dtype = inputs[0].dtype
        boxes_type = np.dtype(np.float32) if dtype == np.float16 else dtype
        suffix = {2: "f16", 4: "f32", 8: "f64"}[dtype.itemsize]
        device = self.device or HostDevice
        arrays = [array if array is None else device.put(array) for array in inputs]
        outputs = [device.empty(shape, boxes_type if boxes_out else dtype) for shape in shapes]
        pointers = [None if array is None else device.pointer(array) for array in arrays + outputs]
        if self.device is None:
            function = getattr(self.library, f"lhrcnn_{name}_{suffix}")
            last = [c_int(1)]
        else:
            function = getattr(self.library, f"lhrcnn_cuda_{name}_{suffix}")
            size = getattr(self.library, f"lhrcnn_cuda_{operator}_workspace")
            size.restype = c_size_t
            bytes_needed = size(ctypes.byref(options))
            arrays.append(device.empty((bytes_needed,), np.uint8))
            last = [device.pointer(arrays[-1]) if bytes_needed else None, c_void_p(device.stream)]

        def run(keep=(arrays, outputs, options)):
            error = function(ctypes.byref(options), *pointers, *last)
            if error:
                raise RuntimeError(f"lhrcnn_{name} returned the error {error}")

        return run, outputs


def _options(structure, **values):
    """Fills a struct of options; those that are not given are 0, which is the first of the named choices."""
    for name, choices in CHOICES.items():
        if name in values:
            values[name] = choices.index(values[name])
    return structure(**values)


def _boxes(array, maps):
    """Returns boxes or RoIs in the type that the kernels want: that of the maps, or float32 if the maps are float16."""
    return np.ascontiguousarray(array, np.float32 if maps.dtype == np.float16 else maps.dtype)


def _pooled(options):
    return options.rois, options.output_dim, options.pooled_size, options.pooled_size
