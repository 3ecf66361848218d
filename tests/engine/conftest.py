"""A configuration that trains the symbolic graph of setting S on a handful of small images, and recorders of calls."""
import inspect
import logging

import pytest

from light_head_rcnn.engine.config import load_config


@pytest.fixture(scope="module")  # two files may give runs the same name
def configure(configuring, tmp_path_factory):
    """Function from the name of a run and KEY, VALUE, ... to a configuration with a folder of its own."""
    return configuring(tmp_path_factory.mktemp("runs"),
                       "symbol: xception_rfcn_light\nnetwork: {PIXEL_STDS: [57, 57, 57]}\n")


@pytest.fixture(scope="session")
def fast_rcnn_values():
    """KEY, VALUE, ... that make of `configure` a small Fast R-CNN with the paper's sampling."""
    return ("symbol", "", "network.model", "fast_rcnn_xception_coco", "CLASS_AGNOSTIC", False, "network.POOL_LEVELS", 3,
            "network.HEAD_UNITS", "32,24", "dataset.proposal", "file", "TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS",
            64, "TRAIN.BG_THRESH_LO", 0.1)


@pytest.fixture
def fast_rcnn_cfg(fast_rcnn_values):
    """The configuration of a small Fast R-CNN."""
    return load_config(None, [str(word) for word in fast_rcnn_values])


@pytest.fixture(scope="session")
def logger():
    return logging.getLogger("test")


class Recorder:
    """Takes the place of a function or class, and remembers the arguments of the last call by name."""

    def __init__(self, original, result):
        self.original = getattr(original, "original", original)
        self._signature, self._result = inspect.signature(self.original), result
        self.arguments = {}

    def __call__(self, *args, **kwargs):
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        self.arguments = dict(bound.arguments)
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                self.arguments.update(self.arguments.pop(name))
        return self._result


@pytest.fixture
def record(monkeypatch):
    """Function that replaces an attribute of a module by a `Recorder`, which it returns."""
    def record(owner, name, result=None):
        recorder = Recorder(getattr(owner, name), result)
        monkeypatch.setattr(owner, name, recorder)
        return recorder

    return record


@pytest.fixture
def check_wiring(record):
    """Function of a row (key, value, look, argument, expected, others) that shows that a key reaches an object.

    `look(cfg, record)` gives arguments of objects by name. With the key set to the value, and with the values of the
    dict `others`, the argument must be the expected one, and without the key another one.
    """
    def check(key, value, look, argument, expected, others):
        before = look(load_config(None, others), record).get(argument)
        found = look(load_config(None, {**others, key: value}), record)[argument]
        found = tuple(found) if isinstance(found, list) else found
        assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
        assert before != found, "the value is that of the default: the row shows nothing"

    return check
