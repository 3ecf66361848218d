"""Updates on a server: those of the optimizer that the worker would have, with its factors and its changing rates."""
import pytest

WORKER = """
import light_head_rcnn
import mxnet as mx, numpy as np
from mxnet import autograd, gluon
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.parallel.joining import join_group
group = join_group(load_config(None, ["default.kvstore", "dist_async"]))
assert not group.lockstep and group.step_divisor(2) == 2
np.testing.assert_array_equal(group.sum(np.arange(3) + group.rank), np.arange(3) * group.size + sum(range(group.size)))
assert group.gather(b"%d" % group.rank) == [b"%d" % rank for rank in range(group.size)]

def parameters():
    made = {name: gluon.Parameter(name, shape=(3,), lr_mult=factor) for name, factor in (("a", 1.0), ("b", 0.5))}
    made["b"].wd_mult = 0.0
    for parameter in made.values():
        parameter.initialize(mx.init.One())
    return made

options = {"learning_rate": 1.0, "momentum": 0.9, "wd": 0.01, "clip_gradient": 3.0}
ours, theirs = parameters(), parameters()
trainer, plain = group.optimizer(ours, "sgd", options, "device"), gluon.Trainer(theirs, "sgd", options, kvstore=None)
rates = (0.1, 0.01, 0.2)
for rate in rates if group.size == 1 else ():
    for optimizer, own in ((trainer, ours), (plain, theirs)):
        optimizer.set_learning_rate(rate)
        mx.nd.waitall()
        with autograd.record():
            loss = sum((parameter.data() ** 2).sum() * 4 for parameter in own.values())
        loss.backward()
        optimizer.step(2)
        mx.nd.waitall()
    for name in ours:
        np.testing.assert_allclose(ours[name].data().asnumpy(), theirs[name].data().asnumpy(), rtol=1e-6)
for step in range(5 if group.size > 1 else 0):
    with autograd.record():
        loss = ours["a"].data().sum()
    loss.backward()
    with autograd.record():
        loss = ours["b"].data().sum()
    loss.backward()
    trainer.set_learning_rate(0.01)
    trainer.step(1)
group.align(trainer)
group.check_equal({name: parameter.data() for name, parameter in ours.items()}, "weights")
assert group.size == 1 or ours["a"].data().asnumpy()[0] < 0.9
group.leave(0, True)
"""


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_updates_on_the_server(start, tmp_path, workers):
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    with start(workers, [str(path)]) as processes:
        processes.wait()
        assert [process.wait(timeout=20) for process in processes.all[:2]] == [0, 0]
