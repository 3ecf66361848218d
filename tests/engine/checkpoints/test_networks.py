"""Checkpoints of a network and its optimizer: training goes on as if it had not stopped."""
import pickletools
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from light_head_rcnn.engine.checkpoints.choosing import latest_checkpoint
from light_head_rcnn.engine.checkpoints.networks import load_checkpoint, save_checkpoint


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path, small):
    net, trainer = small.build()
    unbroken = small.train(net, trainer, 12)
    net, trainer = small.build()
    small.train(net, trainer, 5)
    save_checkpoint(tmp_path / "run" / "net", net, trainer, epoch=1, step=5, facts={"config": {"TRAIN.lr": 0.1}})
    net, trainer = small.build(seed=9)
    base = latest_checkpoint(tmp_path / "run" / "net")
    state = load_checkpoint(base, net, trainer)
    assert (state["epoch"], state["step"]) == (1, 5)
    assert state["config"] == {"TRAIN.lr": 0.1} and state["classes"] == ["cat", "dog"]
    assert trainer.optimizer.num_update == 5
    assert small.train(net, trainer, 7, start=5) == unbroken[5:]


def test_plain_sgd_has_no_states(tmp_path, small):
    net, trainer = small.build(momentum=0.0)
    unbroken = small.train(net, trainer, 4)
    net, trainer = small.build(momentum=0.0)
    small.train(net, trainer, 2)
    base = save_checkpoint(tmp_path / "net", net, trainer, 0, 2, whole_epoch=False)
    net, trainer = small.build(1, momentum=0.0)
    load_checkpoint(base, net, trainer)
    assert small.train(net, trainer, 2, start=2) == unbroken[2:]


def test_parameters_have_the_names_of_the_mxnet_original_and_the_files_hold_no_pickle(tmp_path, small):
    net, trainer = small.build(prefix="some0_")
    small.train(net, trainer, 1)
    base = save_checkpoint(tmp_path / "net", net, trainer, 3, 1)
    assert base == str(tmp_path / "net-0003")
    assert set(mx.nd.load(base + ".params")) == {
        "arg:fc_weight", "arg:fc_bias", "arg:bn_gamma", "arg:bn_beta", "aux:bn_running_mean", "aux:bn_running_var",
        "arg:fixed_weight", "arg:fixed_bias"}
    assert set(mx.nd.load(base + ".states")) == {"fc_weight", "fc_bias", "bn_gamma", "bn_beta"}
    with pytest.raises(ValueError):
        list(pickletools.genops(Path(base + ".states").read_bytes()))


def test_several_devices_keep_equal_states(tmp_path, small):
    contexts = [mx.cpu(0), mx.cpu(1)]
    net, trainer = small.build(contexts=contexts)

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
    base = save_checkpoint(tmp_path / "net", net, trainer, 1, 1)
    np.testing.assert_allclose(mx.nd.load(base + ".params")["aux:bn_running_mean"].asnumpy(), mean, rtol=1e-6)
    step(2)
    expected = net.fc.weight.data(contexts[1]).asnumpy()
    net, trainer = small.build(5, contexts=contexts)
    load_checkpoint(base, net, trainer)
    step(2)
    for ctx in contexts:
        np.testing.assert_array_equal(net.fc.weight.data(ctx).asnumpy(), expected)
