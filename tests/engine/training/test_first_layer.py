"""The layer whose output is the first that is not finite, by its place in the network."""
import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from light_head_rcnn.engine.training.first_layer import first_block


class Scale(HybridBlock):
    """Multiplies; it has no name of its own."""

    def __init__(self, factor):
        super().__init__(prefix="")
        self._factor = factor

    def hybrid_forward(self, F, x):
        return x * self._factor


class Network(HybridBlock):
    def __init__(self, *factors):
        super().__init__(prefix="")
        self.stem, self.blocks = Scale(2.0), nn.HybridSequential(prefix="")
        self.blocks.add(*map(Scale, factors))

    def hybrid_forward(self, F, x):
        return self.blocks(self.stem(x))


def test_the_innermost_layer_is_named_by_its_place():
    x, broken = mx.nd.ones((1, 2)), Network(1.0, 1e38, 1e10, 1.0)
    assert first_block(broken, lambda: broken(x)) == "blocks.2 (Scale)"
    whole = Network(1.0, 3.0)
    whole.hybridize()
    assert first_block(whole, lambda: whole(x)) is None
