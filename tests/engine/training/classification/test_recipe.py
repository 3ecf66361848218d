"""The recipe: learning rates, decay, and numbers that cannot be used."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.training.classification.recipe import Recipe
from light_head_rcnn.errors import UsageError
from light_head_rcnn.gluon_models import get_classifier


def test_learning_rates():
    rate = Recipe(epochs=10, batch_size=512, lr=0.1, warmup_epochs=2).rates(5)
    rising, falling = [rate(step) for step in range(1, 11)], [rate(step) for step in range(11, 51)]
    assert rising == pytest.approx(0.2 * np.arange(1, 11) / 10)
    assert falling == pytest.approx(0.1 * (1 + np.cos(np.pi * np.arange(40) / 40)))
    assert Recipe(epochs=2, batch_size=256, warmup_epochs=0).rates(5)(1) == pytest.approx(0.1)
    assert Recipe(epochs=1, warmup_epochs=3).rates(5)(5) == pytest.approx(0.1 * 5 / 15)


def test_only_weights_decay():
    """With gradients of zero, a step shrinks the weights and nothing else."""
    net = get_classifier("xception", ["a", "b"])
    net.initialize(mx.init.One())
    parameters = dict(net.collect_params().items())
    for parameter in parameters.values():
        parameter.set_data(mx.nd.ones(parameter.shape))
    optimizer = Recipe(lr=0.1, wd=0.5, momentum=0.0).optimizer(parameters)
    with mx.autograd.record():
        loss = net(mx.nd.zeros((1, 3, 32, 32))).sum() * 0
    loss.backward()
    optimizer.step(1)
    for name, parameter in parameters.items():
        if "_moving_" not in name:
            expected = 0.95 if name.endswith("_weight") else 1.0
            np.testing.assert_allclose(parameter.data().asnumpy(), expected, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("numbers, words", [
    (dict(epochs=0), "--epochs is 0"), (dict(batch_size=-1), "--batch-size is -1"), (dict(lr=0.0), "--lr is 0"),
    (dict(lr=float("nan")), "--lr is nan"), (dict(label_smoothing=1.0), "--label-smoothing is 1.0"),
    (dict(least_area=0.0), "--least-area is 0"), (dict(color_jitter=1.5), "--color-jitter is 1.5"),
    (dict(warmup_epochs=-1.0), "--warmup-epochs is -1"), (dict(side=0), "--side is 0"),
    (dict(seed=-1), "--seed is -1"), (dict(epochs=5), "--warmup-epochs is 5, and --epochs is 5")])
def test_numbers_that_cannot_be_used(numbers, words):
    Recipe().check()
    with pytest.raises(UsageError, match=words):
        Recipe(**numbers).check()


def test_differences():
    assert Recipe().differences(Recipe().as_dict()) == []
    assert Recipe(lr=0.2, flip=False).differences(Recipe().as_dict()) == [
        "--lr: 0.1 in the checkpoint, 0.2 now", "--no-flip: True in the checkpoint, False now"]
