"""`lhrcnn data` and what its commands share: help, mistakes, policies, and that none needs MXNet."""
import subprocess
import sys

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.commands import data
from light_head_rcnn.experiments.commands.data_sets import parse_on_error

NO_MXNET = """
import sys
import light_head_rcnn
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "mxnet":
            raise ImportError("MXNet was imported")
sys.meta_path.insert(0, Refuse())
from light_head_rcnn.experiments.commands import main
for words in {commands}:
    print(words, flush=True)
    assert main.main(words) in (0, 1), words
assert "mxnet" not in sys.modules
"""


def test_help(lhrcnn):
    status, printed, _ = lhrcnn("data", "--help")
    assert status == 0 and all(f"\n  {name} " in printed for name in data.COMMANDS)
    assert lhrcnn("data")[0] == 2
    status, _, error = lhrcnn("data", "chekc")
    assert status == 2 and "unknown command 'data chekc'" in error and "\n  check " in error


@pytest.mark.parametrize("name", ["check", "show", "split", "convert"])
def test_help_of_each_command(lhrcnn, name):
    status, printed, _ = lhrcnn("data", name, "--help")
    assert status == 0 and f"lhrcnn data {name} photos/" in printed and "--image-root" in printed


@pytest.mark.parametrize("words", [["check"], ["show", "--out", "new"], ["split"], ["convert", "new", "--to", "coco"]])
def test_a_wrong_path_an_empty_folder_and_images_alone(lhrcnn, tmp_path, monkeypatch, make_picture, words):
    monkeypatch.chdir(tmp_path)
    command, *rest = words

    def error_of(path):
        status, printed, error = lhrcnn("data", command, path, *rest)
        assert status == 2 and not printed and not (tmp_path / "new").exists()
        return error

    assert "nowhere: there is no such file or folder" in error_of("nowhere")
    (tmp_path / "empty").mkdir()
    assert "empty: the folder is empty" in error_of("empty")
    make_picture(tmp_path / "images" / "a.jpg", 0)
    assert "holds 1 images, but no annotations" in error_of("images")


def test_no_command_needs_mxnet(labelimg, coco, tmp_path):
    commands = [["data", "check", labelimg, "--decode", "--json", tmp_path / "check.json"], ["data", "split", labelimg],
                ["data", "show", labelimg, "--out", tmp_path / "look"], ["data", "check", coco],
                *(["data", "convert", coco, tmp_path / f"new-{layout}", "--to", layout]
                  for layout in ("coco", "voc", "yolo"))]
    code = NO_MXNET.format(commands=[[str(word) for word in words] for words in commands])
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text, policy", [
    ("skip", "skip"), ("{image_missing: error, box_outside: drop}", {"image_missing": "error", "box_outside": "drop"}),
    ("image_missing: error", {"image_missing": "error"})])
def test_policies(text, policy):
    assert parse_on_error(text) == policy


@pytest.mark.parametrize("text", ["{image_missing: [1]}", "{a: b", ": :"])
def test_policies_that_are_none(text):
    with pytest.raises(UsageError, match="write actions by kind"):
        parse_on_error(text)


def test_a_policy_makes_an_error_of_a_fault(lhrcnn, coco):
    status, _, error = lhrcnn("data", "convert", coco, coco.parent / "new", "--to", "voc", "--on-error", "raise")
    assert status == 2 and "lies outside" in error and not (coco.parent / "new").exists()
    status, _, error = lhrcnn("data", "check", coco, "--on-error", "{box_outsid: drop}")
    assert status == 2 and "there is no kind of fault 'box_outsid'" in error
