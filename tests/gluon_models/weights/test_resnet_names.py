"""The names of ResNets: a network by Caffe's names gives its parameters to one by torchvision's, of any depth."""
import numpy as np
import pytest

from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.weights import Weights, with_names_of
from light_head_rcnn.gluon_models.weights.resnet_names import depth_of_caffe


def names_of(backbone):
    return list(registry.BACKBONES.get(backbone).build(frozen=True).collect_params())


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_caffes_names_become_those_of_torchvision(depth):
    weights = Weights({name: np.zeros(1) for name in names_of(f"resnet{depth}_v1")}, "file of the moon")
    wanted = names_of(f"resnet{depth}_v1b")
    assert set(with_names_of(weights, dict.fromkeys(wanted)).arrays) == set(wanted)


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_a_file_that_ends_before_the_last_stage_has_a_depth(depth):
    names = [name for name in names_of(f"resnet{depth}_v1") if not name.startswith(("res5", "bn5"))]
    assert depth_of_caffe(names) == depth
