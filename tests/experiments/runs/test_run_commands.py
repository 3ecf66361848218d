"""The commands that studies and tables run in processes of their own are commands that do something."""
import subprocess

import pytest

from light_head_rcnn.experiments.runs import run_commands


@pytest.mark.parametrize("words, usage", [
    (run_commands.training_command("a.yaml", ["--cpu"]), "train"),
    (run_commands.testing_command("a.yaml", ["--cpu"], "a-0001", "out"), "test"),
    (run_commands.svm_command("a.yaml", ["--cpu"], "a-0001"), "svm"),
    (run_commands.proposing_command("a.yaml", "edge_boxes", "out"), "proposals")])
def test_commands_run(words, usage):
    done = subprocess.run([*words, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ") and usage in done.stdout.splitlines()[0]
