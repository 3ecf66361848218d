"""Checkpoints: whole or not at all, a list of every misfit, and training that goes on as if it had not stopped."""
import json
import os
import pickletools
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

from light_head_rcnn.engine.checkpoints import checkpoint as ckpt
from light_head_rcnn.engine.files import atomic_write, write_json


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


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path):
    net, trainer = build()
    unbroken = train(net, trainer, 12)
    net, trainer = build()
    train(net, trainer, 5)
    ckpt.save_checkpoint(tmp_path / "run" / "net", net, trainer, epoch=1, step=5, state={"config": {"TRAIN.lr": 0.1}})
    net, trainer = build(seed=9)
    base = ckpt.latest_checkpoint(tmp_path / "run" / "net")
    state = ckpt.load_checkpoint(base, net, trainer)
    assert (state["epoch"], state["step"]) == (1, 5)
    assert state["config"] == {"TRAIN.lr": 0.1} and state["classes"] == ["cat", "dog"]
    assert trainer.optimizer.num_update == 5
    assert train(net, trainer, 7, start=5) == unbroken[5:]


def test_plain_sgd_has_no_states(tmp_path):
    net, trainer = build(momentum=0.0)
    unbroken = train(net, trainer, 4)
    net, trainer = build(momentum=0.0)
    train(net, trainer, 2)
    base = ckpt.save_checkpoint(tmp_path / "net", net, trainer, 0, 2, whole_epoch=False)
    net, trainer = build(1, momentum=0.0)
    ckpt.load_checkpoint(base, net, trainer)
    assert train(net, trainer, 2, start=2) == unbroken[2:]


def test_parameters_have_the_ports_names_and_the_files_hold_no_pickle(tmp_path):
    net, trainer = build(prefix="some0_")
    train(net, trainer, 1)
    base = ckpt.save_checkpoint(tmp_path / "net", net, trainer, 3, 1)
    assert base == str(tmp_path / "net-0003")
    assert set(mx.nd.load(base + ".params")) == {
        "arg:fc_weight", "arg:fc_bias", "arg:bn_gamma", "arg:bn_beta", "aux:bn_running_mean", "aux:bn_running_var",
        "arg:fixed_weight", "arg:fixed_bias"}
    assert set(mx.nd.load(base + ".states")) == {"fc_weight", "fc_bias", "bn_gamma", "bn_beta"}
    with pytest.raises(ValueError):
        list(pickletools.genops(Path(base + ".states").read_bytes()))


def test_several_devices_keep_equal_states(tmp_path):
    contexts = [mx.cpu(0), mx.cpu(1)]
    net, trainer = build(contexts=contexts)

    def step(seed):
        rng = np.random.RandomState(seed)
        for ctx in contexts:
            with autograd.record():
                loss = (net(mx.nd.array(rng.randn(4, 3), ctx=ctx)) ** 2).mean()
            loss.backward()
        trainer.step(2)

    # The first step makes the devices equal; they part after it.
    step(0)
    step(1)
    mean = sum(array.asnumpy() for array in net.norm.running_mean.list_data()) / 2
    base = ckpt.save_checkpoint(tmp_path / "net", net, trainer, 1, 1)
    np.testing.assert_allclose(mx.nd.load(base + ".params")["aux:bn_running_mean"].asnumpy(), mean, rtol=1e-6)
    step(2)
    expected = net.fc.weight.data(contexts[1]).asnumpy()
    net, trainer = build(5, contexts=contexts)
    ckpt.load_checkpoint(base, net, trainer)
    step(2)
    for ctx in contexts:
        np.testing.assert_array_equal(net.fc.weight.data(ctx).asnumpy(), expected)


def test_every_misfit_is_listed(tmp_path):
    net, _ = build()
    ckpt.save_parameters(tmp_path / "a.params", net)
    arrays = mx.nd.load(str(tmp_path / "a.params"))
    del arrays["arg:fc_bias"]
    arrays["arg:extra"] = mx.nd.zeros((2, 2))
    arrays["arg:fc_weight"] = mx.nd.ones((7, 3))
    arrays["arg:fixed_bias"] = mx.nd.array([42.0])
    mx.nd.save(str(tmp_path / "b.params"), arrays)
    with pytest.raises(ckpt.CheckpointError) as caught:
        ckpt.load_parameters(tmp_path / "b.params", net)
    message = str(caught.value)
    for part in ("b.params", "fc_bias (4,)", "extra (2, 2)", "fc_weight is (7, 3) in the file, (4, 3) in the network"):
        assert part in message
    assert net.fixed.bias.data().asscalar() != 42.0
    assert len(ckpt.load_parameters(tmp_path / "b.params", net, allow_partial=True)) == 3
    assert net.fixed.bias.data().asscalar() == 42.0


@pytest.mark.parametrize("content, part", [(None, "no file"), (b"", "cannot be read"), (b"junk", "cannot be read")])
def test_unreadable_parameters(tmp_path, content, part):
    path = tmp_path / "bad.params"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ckpt.CheckpointError, match=part) as caught:
        ckpt.load_parameters(path, build()[0])
    assert "bad.params" in str(caught.value)


def test_a_damaged_checkpoint_does_not_count(tmp_path):
    net, trainer = build()
    prefix = tmp_path / "net"
    for epoch in (1, 2, 3):
        ckpt.save_checkpoint(prefix, net, trainer, epoch, 10 * epoch)
    assert ckpt.latest_checkpoint(prefix) == f"{prefix}-0003"
    with open(f"{prefix}-0003.params", "r+b") as file:
        file.truncate(os.path.getsize(file.name) // 2)
    Path(f"{prefix}-0002.json").unlink()
    assert ckpt.latest_checkpoint(prefix) == f"{prefix}-0001"
    with pytest.raises(ckpt.CheckpointError, match=r"net-0003\.params is missing or not whole"):
        ckpt.load_checkpoint(f"{prefix}-0003", net)
    Path(f"{prefix}-0001.json").write_text("{")
    assert ckpt.latest_checkpoint(prefix) is None
    assert ckpt.latest_checkpoint(tmp_path / "nowhere" / "net") is None


def test_a_checkpoint_that_was_being_replaced_does_not_count(tmp_path, monkeypatch):
    net, trainer = build()
    ckpt.save_checkpoint(tmp_path / "net", net, trainer, 1, 10)
    ckpt.save_checkpoint(tmp_path / "net", net, trainer, 2, 20)

    def fail(path, value):
        raise OSError("disk full")

    monkeypatch.setattr(ckpt, "write_json", fail)
    with pytest.raises(OSError, match="disk full"):
        ckpt.save_checkpoint(tmp_path / "net", net, trainer, 2, 20)
    assert ckpt.latest_checkpoint(tmp_path / "net") == str(tmp_path / "net-0001")


def test_checkpoints_inside_an_epoch_give_way_to_later_ones(tmp_path):
    net, trainer = build()
    prefix = tmp_path / "net"
    ckpt.save_checkpoint(prefix, net, trainer, 1, 10)
    ckpt.save_checkpoint(prefix, net, trainer, 1, 13, whole_epoch=False)
    ckpt.save_checkpoint(prefix, net, trainer, 1, 16, whole_epoch=False)
    names = {path.name for path in tmp_path.glob("*.json")}
    assert names == {"net-0001.json", "net-step00000016.json"}
    assert ckpt.latest_checkpoint(prefix) == f"{prefix}-step00000016"
    ckpt.save_checkpoint(prefix, net, trainer, 2, 20)
    assert {path.name for path in tmp_path.glob("*.params")} == {"net-0001.params", "net-0002.params"}


def test_a_prefix_does_not_take_anothers_checkpoints(tmp_path):
    net, trainer = build()
    ckpt.save_checkpoint(tmp_path / "net-big", net, trainer, 9, 90)
    assert ckpt.latest_checkpoint(tmp_path / "net") is None


def test_states_of_other_parameters_are_listed(tmp_path):
    net, trainer = build()
    train(net, trainer, 1)
    states, counts = ckpt.trainer_states(trainer, net)
    states["gone"] = mx.nd.zeros(1)
    states["fc_weight"] = mx.nd.zeros((1, 1))
    with pytest.raises(ckpt.CheckpointError) as caught:
        ckpt.restore_trainer(trainer, net, states, counts, "x.states")
    assert "gone" in str(caught.value) and "fc_weight" in str(caught.value) and "x.states" in str(caught.value)


def test_atomic_write_leaves_the_old_file_after_an_error(tmp_path):
    path = tmp_path / "sub" / "file.txt"
    write_json(path, {"a": float("nan"), "b": (1, 2.5)})
    assert json.loads(path.read_text()) == {"a": None, "b": [1, 2.5]}
    before = path.read_bytes()
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        Path(temporary).write_text("half")
        raise RuntimeError
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == ["file.txt"]
