"""Modules of the user's own that are imported before a command runs."""
import os
import sys

import pytest

from light_head_rcnn.data import dataset_names, registry
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.commands import extensions, main

MODULE = '''
from light_head_rcnn.data import Dataset, RawSet, register_dataset

@register_dataset("{name}")
class Empty(Dataset):
    layout = "{name}"

    def find_classes(self):
        return ("grain",)

    def read_raw_set(self, image_set, with_labels):
        return RawSet([], "corners", [self.path])
'''


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    monkeypatch.delenv(extensions.VARIABLE, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_READERS", dict(registry._READERS))
    monkeypatch.chdir(tmp_path)
    yield
    os.environ.pop(extensions.VARIABLE, None)
    for name in ("grain_sets", "grain_scripts", "broken_grain"):
        sys.modules.pop(name, None)


def test_a_module_of_the_working_directory_registers_a_data_set(tmp_path, capsys):
    (tmp_path / "grain_sets.py").write_text(MODULE.format(name="grain_of_the_option"))
    assert main.main(["--import=grain_sets", "--help"]) == 0
    assert "grain_of_the_option" in dataset_names()
    assert os.environ[extensions.VARIABLE] == "grain_sets"  # commands that are started from here import it too


def test_the_environment_names_modules_for_scripts(tmp_path, monkeypatch):
    (tmp_path / "grain_scripts.py").write_text(MODULE.format(name="grain_of_the_environment"))
    monkeypatch.setenv(extensions.VARIABLE, " grain_scripts,")
    assert main.main(["--version"]) == 0
    assert "grain_of_the_environment" in dataset_names()


@pytest.mark.parametrize("text, words", [
    (None, ["missing_grain", "there is no such module"]),
    ("import numpy_that_is_not_there", ["broken_grain", "ModuleNotFoundError", "numpy_that_is_not_there"]),
    ("1 / 0", ["ZeroDivisionError"]),
])
def test_a_module_that_cannot_be_imported_is_one_line(tmp_path, capsys, text, words):
    name = "missing_grain" if text is None else "broken_grain"
    if text is not None:
        (tmp_path / "broken_grain.py").write_text(text)
    assert main.main(["--import", name, "config"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and all(word in said for word in [name, *words])


@pytest.mark.parametrize("words", [["--import"], ["--import", "--help"], ["--import="]])
def test_the_option_needs_a_name(words):
    with pytest.raises(UsageError, match="takes the name of a module"):
        extensions.split_extensions(words)


def test_options_behind_the_command_are_the_commands_own():
    assert extensions.split_extensions(["--import", "a", "--import=b", "train", "--import", "c"]) == (
        ["a", "b"], ["train", "--import", "c"])
