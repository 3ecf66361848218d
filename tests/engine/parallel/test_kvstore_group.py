"""The order in which workers of a KVStore ask for weights and send gradients."""
import time
from types import SimpleNamespace

import mxnet as mx
from mxnet import autograd, gluon

from light_head_rcnn.engine.parallel.kvstore_group import KVStoreGroup

SECONDS = 0.5


class Slowly(mx.operator.CustomOp):
    """Copies its input after a while, as a server answers; MXNet goes on meanwhile."""

    def forward(self, is_train, req, in_data, out_data, aux):
        time.sleep(SECONDS)
        self.assign(out_data[0], req[0], in_data[0])
        SlowStore.said.append("the weights have come")


@mx.operator.register("slowly")
class SlowlyProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        return Slowly()


class SlowStore(mx.kv.KVStoreBase):
    """A KVStore whose server takes its time to give the first weights."""

    said = []
    type, rank, num_workers = "dist_slow", 0, 1

    def broadcast(self, key, value, out, priority=0):
        for array in out:
            array[:] = mx.nd.Custom(value, op_type="slowly")

    def pushpull(self, key, value, out=None, priority=0):
        self.said.append("a gradient is sent")

    @staticmethod
    def is_capable(capability):
        return False


def test_no_gradient_is_sent_before_the_first_weights_have_come():
    """A server that has all gradients of a name gives their sum to who asks for the weights under that name."""
    weight = gluon.Parameter("weight", shape=(3,))
    weight.initialize(mx.init.One())
    group = SimpleNamespace(lockstep=True, _store=SlowStore())
    optimizer = KVStoreGroup.optimizer(group, {"weight": weight}, "sgd", {"learning_rate": 1.0}, "device")
    with autograd.record():
        total = weight.data().sum()
    total.backward()
    optimizer.step(1)
    mx.nd.waitall()
    assert SlowStore.said == ["the weights have come", "a gradient is sent"]
    assert (weight.data().asnumpy() == 0).all()
