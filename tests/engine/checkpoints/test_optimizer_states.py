"""States of an optimizer that fit no parameter are listed."""
import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints.optimizer_states import restore_trainer, trainer_states
from light_head_rcnn.errors import CheckpointError


def test_states_of_other_parameters_are_listed(tmp_path, small):
    net, trainer = small.build()
    small.train(net, trainer, 1)
    states, counts = trainer_states(trainer, net)
    states["gone"] = mx.nd.zeros(1)
    states["fc_weight"] = mx.nd.zeros((1, 1))
    with pytest.raises(CheckpointError) as caught:
        restore_trainer(trainer, net, states, counts, "x.states")
    assert "gone" in str(caught.value) and "fc_weight" in str(caught.value) and "x.states" in str(caught.value)
