"""A small network with batch norm and a fixed layer, and a few steps of training it."""
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon


class Net(gluon.nn.HybridBlock):
    classes = ("cat", "dog")

    def __init__(self, hidden=4, prefix=""):
        super().__init__(prefix=prefix)
        with self.name_scope():
            self.fc = gluon.nn.Dense(hidden, in_units=3, prefix="fc_")
            self.norm = gluon.nn.BatchNorm(in_channels=hidden, prefix="bn_")
            self.fixed = gluon.nn.Dense(1, in_units=hidden, prefix="fixed_")

    def hybrid_forward(self, F, x):
        return self.fixed(self.norm(self.fc(x)))


def build(seed=0, contexts=None, momentum=0.9, **options):
    mx.random.seed(seed)
    net = Net(**options)
    net.initialize(mx.init.Normal(0.5), ctx=contexts)
    net.fixed.collect_params().setattr("grad_req", "null")
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": momentum, "wd": 1e-3})
    return net, trainer


def train(net, trainer, steps, start=0):
    losses = []
    for step in range(start, start + steps):
        rng = np.random.RandomState(step)
        x = mx.nd.array(rng.randn(8, 3))
        with autograd.record():
            loss = ((net(x) - mx.nd.array(rng.randn(8, 1))) ** 2).mean()
        loss.backward()
        trainer.step(1)
        losses.append(loss.asscalar())
    return losses


@pytest.fixture
def small():
    """`small.build(...)` makes (net, trainer), and `small.train(net, trainer, steps, start)` returns the losses."""
    return SimpleNamespace(build=build, train=train)
