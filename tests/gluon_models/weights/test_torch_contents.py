"""What a loaded file of PyTorch holds by name, in dictionaries within dictionaries, whatever these share."""
from collections import OrderedDict
from itertools import islice

import pytest

from light_head_rcnn.gluon_models.weights.torch_contents import entries


def test_names_of_dictionaries_within_dictionaries_are_joined():
    content = {"state_dict": OrderedDict({"conv1.weight": 1, "layer1": {0: 2}}), "epoch": 3}
    assert list(entries(content)) == [("state_dict.conv1.weight", 1), ("state_dict.layer1.0", 2), ("epoch", 3)]
    assert not list(entries([content]))


def test_a_dictionary_is_looked_into_once():
    """A file of a few bytes can hold dictionaries with as many ways through them as one likes."""
    inner = {"a": 1}
    for _ in range(9):
        inner = {"x": inner, "y": inner, "z": inner}
    itself = {"b": 2}
    itself.update(x=itself, y=itself)
    assert [value for _, value in islice(entries({"inner": inner, "itself": itself}), 100)] == [1, 2]


def test_what_can_be_no_name_does_not_count():
    content = {"a" * 301: 1, ("a", "b"): 2, None: 3, "x" * 200: {"y" * 200: 4}, "good": 5}
    assert list(entries(content)) == [("good", 5)]


@pytest.mark.parametrize("key", ["x", ""])
def test_dictionaries_too_deep_do_not_count(key):
    content = {"a": 1}
    for _ in range(5000):
        content = {key: content}
    assert not list(entries(content))


@pytest.mark.parametrize("beside", [{"message_hub": {}}, {"meta": {"mmengine_version": "0.10.1"}}])
def test_of_mmengine_the_state_dict_is_the_moving_average(beside):
    both = {"state_dict": {"a": 1}, "ema_state_dict": {"module": {"a": 2}}}
    assert ("state_dict.a", 1) in entries({**both, **beside})
    assert not any(name.startswith("ema_state_dict") for name, _ in entries({**both, **beside}))
    assert ("ema_state_dict.module.a", 2) in entries({**both, "meta": {"mmcv_version": "1.7.0"}})
