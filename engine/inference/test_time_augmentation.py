"""Testing at several scales and mirrored: the candidates of all views of an image go through one suppression."""
from types import ModuleType
from typing import List, Sequence, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from ...operators import boxes as box_ops
from ...operators.arrays import Array
from .given_rois import mirrored_rois

# x and im_info of a view, and for a network on given proposals the RoIs.
NetworkInput = Union[Tuple[np.ndarray, np.ndarray], Tuple[np.ndarray, np.ndarray, np.ndarray]]


class MultiView:
    """Runs a detector on several views of each image, and chooses detections among the candidates of all views.

    Args:
        net: `ids, scores, bboxes = net(x, im_info)`, or `net(x, im_info, rois)`. For more than one view a HybridBlock
            with `candidates` and `suppress`, as `gluon_models.TwoStageDetector` has them.
        flip: look at each image mirrored left to right too.
    """

    def __init__(self, net: HybridBlock, flip: bool = False):
        self._net, self._flip, self._candidates = net, flip, None

    def __call__(self, inputs: Sequence[NetworkInput], ctx: mx.Context) -> List[mx.nd.NDArray]:
        """Finds objects in a batch of images.

        Args:
            inputs: for each scale (x float32 (N, 3, H, W), im_info float32 (N, 3)) of the same images, with RoIs
                float32 (N, R, 4) behind them where the network takes them; H, W and R differ between scales. A scale at
                which an image has the same size as at an earlier one is left out for it.
            ctx: the device that runs the network.

        Returns:
            ids (N, K, 1), scores (N, K, 1), bboxes (N, K, 4), as `net` answers them, in the frame of the first input.
        """
        if len(inputs) == 1 and not self._flip:
            return self._net(*(mx.nd.array(array, ctx=ctx) for array in inputs[0]))
        if self._candidates is None:
            self._candidates = _Candidates(self._net)
            self._candidates.hybridize()
        frame, views = mx.nd.array(inputs[0][1], ctx=ctx), []
        for number, (x, im_info, *rois) in enumerate(inputs):
            unseen = _unseen(im_info, [earlier[1] for earlier in inputs[:number]])
            if unseen.any():
                views.append(self._view((x, im_info, *rois), unseen, frame))
                if self._flip:
                    turned = (mirrored(x, im_info), im_info, *(mirrored_rois(boxes, im_info) for boxes in rois))
                    views.append(self._view(turned, unseen, frame, is_mirrored=True))
        return self._net.suppress(mx.nd, *(mx.nd.concat(*arrays, dim=1) for arrays in zip(*views)))

    def _view(self, inputs: NetworkInput, unseen: np.ndarray, frame: mx.nd.NDArray,
              is_mirrored: bool = False) -> Tuple[mx.nd.NDArray, mx.nd.NDArray]:
        """Returns scores (N, R, classes + 1), and boxes (N, R, 4 * groups) in the frame of the first view."""
        *inputs, unseen = (mx.nd.array(array, ctx=frame.ctx) for array in (*inputs, unseen))
        scores, boxes, counts = self._candidates(*inputs)
        # Once views are joined, rows of padding are no longer at the end, where a count could leave them out. Their
        # score of -1 does.
        scores = mx.nd.SequenceMask(scores, counts * unseen, use_sequence_length=True, value=-1, axis=1)
        return scores, to_frame(boxes, inputs[1], frame, is_mirrored)


class _Candidates(HybridBlock):
    """The candidates of a detector as a block that can be hybridized; it shares the detector's parameters."""

    def __init__(self, net: HybridBlock):
        super().__init__(prefix="")
        with self.name_scope():
            self.net = net

    def hybrid_forward(self, F: ModuleType, *inputs: Array) -> Tuple[Array, Array, Array]:
        return self.net.candidates(F, *inputs)


def _unseen(im_info: np.ndarray, earlier: Sequence[np.ndarray]) -> np.ndarray:
    """Returns float32 (N,): 1 for each image that has another size than at all earlier scales, else 0.

    An image has the same size at two scales where the bound on its longer edge decides both. Its boxes must not be
    counted twice.
    """
    seen = [np.all(im_info == info, axis=1) for info in earlier]
    return 1 - np.any([np.zeros(len(im_info), bool), *seen], axis=0).astype(np.float32)


def mirrored(x: np.ndarray, im_info: np.ndarray) -> np.ndarray:
    """Mirrors images left to right, each within its own width: the padding of a batch stays where it is.

    Args:
        x: float32 (N, 3, H, W).
        im_info: float32 (N, 3), rows (height, width, scale).

    Returns:
        float32 (N, 3, H, W).
    """
    result = x.copy()
    for image, source, width in zip(result, x, im_info[:, 1].astype(int)):
        image[..., :width] = source[..., :width][..., ::-1]
    return result


def to_frame(boxes: mx.nd.NDArray, im_info: mx.nd.NDArray, frame: mx.nd.NDArray,
             is_mirrored: bool = False) -> mx.nd.NDArray:
    """Brings boxes found in one view of images to the frame of another view, and clips them to the images there.

    Args:
        boxes: (N, R, 4 * groups) in the frame of the view that they were found in.
        im_info: (N, 3), rows (height, width, scale) of the images in that view.
        frame: (N, 3), rows (height, width, scale) of the images in the view that the boxes are brought to.
        is_mirrored: True where the boxes were found in the mirror image.

    Returns:
        (N, R, 4 * groups); the numbers do not change where both views are the same.
    """
    def column(info: mx.nd.NDArray, number: int) -> mx.nd.NDArray:
        return info[:, number].reshape((-1, 1, 1, 1))

    moved = boxes.reshape((0, 0, -1, 4))
    if is_mirrored:
        # In the original image as in training, where the last pixel is the size less one, that is less the scale here.
        moved = box_ops.mirror(moved, column(im_info, 1) + 1 - column(im_info, 2), mx.nd)
    moved = mx.nd.broadcast_mul(moved, column(frame, 2) / column(im_info, 2))
    return box_ops.clip(moved, column(frame, 0), column(frame, 1), mx.nd).reshape_like(boxes)
