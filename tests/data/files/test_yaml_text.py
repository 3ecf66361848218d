"""YAML that explodes, has no end, or asks for objects of Python."""
import os

import pytest
import yaml

from light_head_rcnn.data.files import yaml_text
from light_head_rcnn.data.files.yaml_text import parse_yaml

BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi"))
CHAIN = "a0: &a0 []\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(200))


@pytest.mark.parametrize("text, message", [
    (BOMB, "aliases make more than"), (CHAIN, "more than 100 deep"), ("a: " + "[" * 2000, "deep|expected|found"),
    ("[" * 150 + "]" * 150, "more than 100 deep"), ("a: &a [*a]", "has no end"), ("a: &a {<<: *a}", "has no end"),
    ("2026-99-99", "cannot be understood"), ("a: " + "9" * 5000, "cannot be understood"), ("!!int x", "understood"),
    ("? [a]\n: 1", "unhashable"), ("!!binary é", "base64|ascii"), ("a: *b", "undefined alias"), ("=", ""),
    ("!!python/object/apply:os.mkdir [made]", "could not determine a constructor"),
    ("!!timestamp x", "understood")], ids=str(list(range(15)))[1:-1].split(", "))
def test_it_is_refused(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(yaml.YAMLError, match=message):
        parse_yaml(text)
    assert not os.listdir(tmp_path)


def test_sound_yaml_is_as_before():
    text = "a: &a {b: [1, 2.5, no, 2026-01-02], c: null}\nd: *a\ne: {<<: *a, f: x}\n"
    assert parse_yaml(text) == yaml.safe_load(text) and parse_yaml("") is None
    assert parse_yaml("- no\n- 9", yaml.BaseLoader) == ["no", "9"]


def test_a_text_can_be_too_long(monkeypatch):
    monkeypatch.setattr(yaml_text, "MOST_CHARACTERS", 10)
    with pytest.raises(yaml.YAMLError, match="11 characters"):
        parse_yaml("a: 12345678")
