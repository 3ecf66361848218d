"""The table of keys: what every row must have, whoever adds one."""
import re
from pathlib import Path

import pytest

from light_head_rcnn.engine import config
from light_head_rcnn.engine.config import KEYS, keys
from light_head_rcnn.engine.config.keys import alternate, dataset, general, network, testing, training

PUBLIC = {"light_head_rcnn.model_names", "register_dataset"}
ROOT = Path(config.__file__).parents[2]
FOLDERS = ("engine", "symbols", "experiments", "gluon_models", "data", "operators")


by_key = pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)


def sources():
    """The text of all modules that may read a configuration, without those that define and check it."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(path.read_text() for path in files if ROOT / "engine" / "config" not in path.parents)


def test_every_key_is_there_once():
    names = [key.name for part in (general, network, dataset, training, alternate, testing) for key in part.KEYS]
    assert len(names) == len(set(names)) == len(KEYS) > 120
    assert keys.SECTIONS == {"default", "network", "dataset", "TRAIN", "TRAIN.ALTERNATE", "TEST"}


@by_key
def test_defaults_are_of_the_kind_and_within_the_bounds(key):
    assert key.coerce(key.default) == key.default and type(key.coerce(key.default)) is type(key.default)
    assert key.implements(key.default)


@by_key
def test_meanings_are_sentences(key):
    assert re.fullmatch(r"[A-Z1-9a-z].{20,}\.", key.meaning) and "  " not in key.meaning
    for name in re.findall(r"`([\w.]+)`", key.meaning):
        assert name in KEYS or name in PUBLIC, name


def test_flags_do_not_contradict():
    for key in KEYS.values():
        assert not (key.unread and (key.bound_to_weights or key.implemented)), key.name
        assert not (key.free_on_resume and key.bound_to_weights), key.name
        assert key.free_on_resume or not key.unread, key.name


def test_nothing_reads_the_keys_that_say_so():
    """That the others are read, tests/engine/building/test_wiring.py shows."""
    names = [key.name.rpartition(".")[2] for key in KEYS.values() if key.unread]
    code = re.sub(r'"[^"\n]*"', '""', sources())  # a list of keys in a text reads none of them
    assert "root_path" in names and not re.search(rf"\b({'|'.join(names)})\b", code)


def test_colours_are_turned_round_in_one_place():
    """All other code calls `pixel_means` and `pixel_stds`."""
    assert not re.search(r"PIXEL_(MEANS|STDS)", sources())
    cfg = config.load_config(None, {"network.PIXEL_MEANS": [1, 2, 3], "network.PIXEL_STDS": [4, 5, 6]})
    assert config.pixel_means(cfg) == (3, 2, 1) and config.pixel_stds(cfg) == (6, 5, 4)
