"""A network whose images all have one size."""
from typing import Any, Sequence, Tuple

import mxnet as mx
from mxnet.gluon import Block


class StaticNetwork(Block):
    """Pads images below and to the right to one size, for which the network's memory is planned once.

    Larger images run at their own size: memory is then planned anew.

    Args:
        net: called as `ids, scores, boxes = net(x, im_info)`, or with RoIs as a third input; im_info tells it where
            images end.
        shape: height and width in pixels of the network's input, multiples of its stride.
    """

    def __init__(self, net: Block, shape: Sequence[int]):
        super().__init__(prefix="")
        self.net, self.shape = net, tuple(shape)

    def forward(self, x: mx.nd.NDArray, *others: mx.nd.NDArray) -> Sequence[mx.nd.NDArray]:
        """Runs the network; given symbols, it returns the graph of the network alone."""
        return self.net(x if isinstance(x, mx.sym.Symbol) else padded(x, self.shape), *others)

    def hybridize(self, active: bool = True, **options: Any) -> None:
        """See `mxnet.gluon.HybridBlock`; memory is planned once for each size."""
        self.net.hybridize(active, **{"static_alloc": True, "static_shape": True, **options})


def padded(x: mx.nd.NDArray, shape: Tuple[int, int]) -> mx.nd.NDArray:
    """Images (N, C, h, w) with zeros below and to the right up to a (height, width); larger ones as they are."""
    height, width = x.shape[2:]
    if (height, width) == shape or height > shape[0] or width > shape[1]:
        return x
    whole = mx.nd.zeros(x.shape[:2] + shape, ctx=x.context, dtype=x.dtype)
    whole[:, :, :height, :width] = x
    return whole
