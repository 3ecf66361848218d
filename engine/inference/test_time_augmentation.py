"""Testing at several scales and mirrored: the candidates of all views of an image go through one suppression."""
import mxnet as mx
import numpy as np
from mxnet.gluon import HybridBlock

from ...operators import boxes as box_ops


class MultiView:
    """A detector that looks at every image several times.

    Parameters
    ----------
    net : callable
        `ids, scores, bboxes = net(x, im_info)`. For more than one view a HybridBlock with `candidates` and `suppress`,
        as `gluon_models.TwoStageDetector` has them.
    flip : bool
        Look at every image mirrored left to right too.
    """

    def __init__(self, net, flip=False):
        self._net, self._flip, self._candidates = net, flip, None

    def __call__(self, inputs, ctx):
        """Detections in a batch of images.

        Parameters
        ----------
        inputs : sequence of (x float32 (N, 3, H, W), im_info float32 (N, 3)), NumPy arrays
            The same images at each scale, of unlike H and W. Where a scale shows an image just as an earlier one did,
            it is not looked at again.
        ctx : mx.Context

        Returns
        -------
        ids (N, K, 1), scores (N, K, 1), bboxes (N, K, 4), NDArrays
            As `net` answers them, in the frame of the first input.
        """
        if len(inputs) == 1 and not self._flip:
            return self._net(*(mx.nd.array(array, ctx=ctx) for array in inputs[0]))
        if self._candidates is None:
            self._candidates = _Candidates(self._net)
            self._candidates.hybridize()
        frame, views = mx.nd.array(inputs[0][1], ctx=ctx), []
        for number, (x, im_info) in enumerate(inputs):
            unseen = _unseen(im_info, [earlier for _, earlier in inputs[:number]])
            if unseen.any():
                views.append(self._view(x, im_info, unseen, frame))
                if self._flip:
                    views.append(self._view(mirrored(x, im_info), im_info, unseen, frame, is_mirrored=True))
        return self._net.suppress(mx.nd, *(mx.nd.concat(*arrays, dim=1) for arrays in zip(*views)))

    def _view(self, x, im_info, unseen, frame, is_mirrored=False):
        """Scores (N, R, classes + 1) and boxes (N, R, 4 * groups) of one view, those in another's frame."""
        x, im_info, unseen = (mx.nd.array(array, ctx=frame.ctx) for array in (x, im_info, unseen))
        scores, boxes, counts = self._candidates(x, im_info)
        # Rows that do not count no longer come last once views are joined: below every threshold they are left out.
        scores = mx.nd.SequenceMask(scores, counts * unseen, use_sequence_length=True, value=-1, axis=1)
        return scores, to_frame(boxes, im_info, frame, is_mirrored)


class _Candidates(HybridBlock):
    """What a detector chooses from, as a block, so that it can be hybridized; shares the detector's parameters."""

    def __init__(self, net):
        super().__init__(prefix="")
        with self.name_scope():
            self.net = net

    def hybrid_forward(self, F, x, im_info):
        return self.net.candidates(F, x, im_info)


def _unseen(im_info, earlier):
    """Which images, float32 (N,), are shown otherwise than at the earlier scales.

    Two scales can make the same of an image, where the bound on its longer edge decides; its boxes must not come twice.
    """
    seen = [np.all(im_info == info, axis=1) for info in earlier]
    return 1 - np.any([np.zeros(len(im_info), bool), *seen], axis=0).astype(np.float32)


def mirrored(x, im_info):
    """Images mirrored left to right, each within its own width: what a batch is padded with stays where it is.

    Parameters
    ----------
    x : float32 (N, 3, H, W)
    im_info : float32 (N, 3)
        Rows (height, width, scale).

    Returns
    -------
    float32 (N, 3, H, W)
    """
    result = x.copy()
    for image, source, width in zip(result, x, im_info[:, 1].astype(int)):
        image[..., :width] = source[..., :width][..., ::-1]
    return result


def to_frame(boxes, im_info, frame, is_mirrored=False):
    """Boxes found in one view of images, brought to the frame of another and clipped to the images there.

    Parameters
    ----------
    boxes : NDArray (N, R, 4 * groups)
    im_info, frame : NDArrays (N, 3)
        Rows (height, width, scale) of the same images: as the boxes' view has them, and as the other does.
    is_mirrored : bool
        Whether the boxes' view is the mirror image.

    Returns
    -------
    NDArray (N, R, 4 * groups)
        The very same numbers where both views are one.
    """
    def column(info, number):
        return info[:, number].reshape((-1, 1, 1, 1))

    moved = boxes.reshape((0, 0, -1, 4))
    if is_mirrored:
        moved = box_ops.mirror(moved, column(im_info, 1), mx.nd)
    moved = mx.nd.broadcast_mul(moved, column(frame, 2) / column(im_info, 2))
    return box_ops.clip(moved, column(frame, 0), column(frame, 1), mx.nd).reshape_like(boxes)
