"""`lhrcnn config`: the table of keys, the values of a configuration, and the page in docs."""
import subprocess
import sys
from pathlib import Path

import pytest

import light_head_rcnn
from light_head_rcnn import runtime
from light_head_rcnn.engine.config import KEYS, load_config
from light_head_rcnn.experiments.commands import config

ROOT = Path(light_head_rcnn.__file__).parent
COMMAND = [sys.executable, "-m", "light_head_rcnn.experiments.commands.config"]


@pytest.fixture
def output(capsys):
    """Function from words of a command line to what it prints; the exit code must be 0."""
    def output(*words):
        assert config.main(list(words)) == 0
        return capsys.readouterr().out

    return output


def test_the_page_in_docs_is_the_output(output):
    assert output("--markdown") == (ROOT / "docs" / "configuration.md").read_text(), \
        "write it anew: lhrcnn config --markdown > docs/configuration.md"


def test_every_key_is_printed(output):
    text, page = output(), output("--markdown")
    for key in KEYS.values():
        assert f"\n{key.name}\n    {key.kind.wanted}" in text and f"\n| `{key.name}` | {key.kind.wanted}" in page
        assert key.meaning in page and page.count(f"| `{key.name}` |") == 1
    assert "\nTEST.NMS\n    a number, from 0 to 1; default: 0.3\n    IoU above which a detection suppresses " in text
    row, = [line for line in page.splitlines() if line.startswith("| `network.RCNN_FEAT_STRIDE` |")]
    assert row.split(" | ")[1:3] == ["a whole number, at least 1", "`16`"] and row.endswith(" | only 16 |")
    row, = [line for line in page.splitlines() if line.startswith("| `TRAIN.BBOX_STDS` |")]
    assert row.endswith(" | weights |") and "`[0.1, 0.1, 0.2, 0.2]`" in row
    row, = [line for line in page.splitlines() if line.startswith("| `MXNET_VERSION` |")]
    assert row.endswith(" | not read |")


def test_rows_of_the_page_have_five_columns(output):
    for line in output("--markdown").splitlines():
        assert not line.startswith("|") or line.count(" | ") == 4 or line == "|---|---|---|---|---|"


@pytest.mark.parametrize("words", [
    ["--cfg", "shapes_s_alternate"], ["--cfg", "paper/voc_s.yaml", "gpus=0,1", "TRAIN.lr_step", "1,2.5"],
    ["TEST.SCALES=[[600,1000],[700,1100]]"]])
def test_the_values_of_a_configuration_are_a_configuration(output, words, tmp_path):
    text = output(*words)
    (tmp_path / "values.yaml").write_text(text)
    overrides = words[2:] if words[0] == "--cfg" else words
    expected = load_config(words[1] if words[0] == "--cfg" else None, overrides)
    assert load_config(tmp_path / "values.yaml") == expected
    # What is counted follows what it is counted of.
    assert load_config(tmp_path / "values.yaml", {"network.ANCHOR_SCALES": [1]}).network.NUM_ANCHORS == len(
        expected.network.ANCHOR_RATIOS)


def test_values_say_where_they_are_from(output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("_BASE_: bccd_s\nTRAIN: {lr: 0.25}")
    lines = output("--cfg", "mine.yaml", "seed=4").splitlines()
    assert "seed: 4  # override" in lines and "  lr: 0.25  # mine.yaml" in lines
    assert "  momentum: 0.9  # default" in lines and "  NUM_ANCHORS: 0  # counted: 18" in lines
    line, = [line for line in lines if line.startswith("  end_epoch: 32  # ")]
    assert line.endswith("experiments/cfgs/bccd_s.yaml")


def test_the_runtime_is_reported(output):
    assert output("--runtime") == runtime.report().rstrip("\n") + "\n"


@pytest.mark.parametrize("words, message", [
    (["TRAIN.lr"], "error: override: TRAIN.lr has no value"), (["--cfg", "shape_s"], "similar names are shapes_s"),
    (["--markdown", "seed=1"], "error: --markdown and --runtime print no configuration"),
    (["--cfg", "shapes_s", "--runtime"], "error: --markdown and --runtime print no configuration")])
def test_mistakes(words, message, capsys):
    assert config.main(words) == 2 and message in capsys.readouterr().err


def test_it_does_not_wait_for_mxnet():
    program = ("import sys\nfrom light_head_rcnn.experiments.commands import config\n"
               "config.main(['--cfg', 'shapes_s'])\nsys.exit('mxnet' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL).returncode == 0


def test_a_reader_may_stop_early():
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 0
