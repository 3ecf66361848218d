"""Rows at the paper's scale: what is missing is named, and what lacks nothing runs once with each configuration."""
import json
from pathlib import Path

import pytest

from light_head_rcnn.engine.config import saved_config
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.paper_tables import needs, output, paper, paper_results
from light_head_rcnn.experiments.runs.run_commands import readable_command
from light_head_rcnn.experiments.paper_tables.rows import row_config

SETS = ("VOC2007/ImageSets/Main/trainval", "VOC2007/ImageSets/Main/test", "VOC2012/ImageSets/Main/trainval")


class Runner:
    """In place of a `CommandRunner`: keeps the commands, and writes metrics where tests write them."""

    def __init__(self, figure=0.25):
        self.commands, self.figure = [], figure

    def run(self, words, log):
        self.commands.append(readable_command(words))
        Path(log).write_text("")
        row = Path(words[words.index("--cfg") + 1]).stem
        folders = [row_config(row).output_path] + [
            value for word, value in zip(words, words[1:]) if word == "output_path"]
        folder = words[words.index("--out") + 1] if "--out" in words else Path(folders[-1]) / "test"
        path = Path(folder) / "metrics.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        coco = dict.fromkeys(("AP", "AP50", "AP75", "APs", "APm", "APl"), self.figure)
        path.write_text(json.dumps({"coco": coco, "voc": {"AP": 0.5, "AP07": 0.6}}))


@pytest.fixture
def ready(tmp_path, monkeypatch):
    """Overrides with which the rows of VOC lack neither data nor weights; nothing is in the files."""
    monkeypatch.chdir(tmp_path)
    for name in SETS:
        path = tmp_path / "voc" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        (path.parents[2] / "JPEGImages").mkdir(exist_ok=True)
    (tmp_path / "weights-0000.params").write_text("")
    return ["dataset.dataset_path", str(tmp_path / "voc"), "network.pretrained", str(tmp_path / "weights")]


@pytest.fixture
def go(ready, tmp_path):
    """Function that plans and runs rows of VOC with more overrides; returns the commands that were run."""
    def run(*overrides, rows=("voc_l",), runner=None):
        runner = runner or Runner()
        jobs = paper.plan_jobs(rows, [*ready, *overrides], ["--gpus", "0"], gpus=1)
        assert all(job.missing == [] for job in jobs)
        paper.run_jobs(jobs, output.paper_state(tmp_path), tmp_path, lambda line: None, runner)
        return runner.commands

    return run


def save_checkpoint(prefix, cfg):
    """Files that count as the checkpoint PREFIX of a training with a configuration."""
    Path(prefix).parent.mkdir(parents=True, exist_ok=True)
    for end in (".params", ".states"):
        Path(f"{prefix}{end}").write_text("")
    Path(f"{prefix}.json").write_text(json.dumps({
        "format": 1, "step": 1, "epoch": 1, "sizes": {".params": 0, ".states": 0}, "config": saved_config(cfg)}))


def test_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    l_row, s_row = paper.plan_jobs(["psroi_align", "s_700"], gpus=0)
    assert [lack.what.split()[0] for lack in l_row.missing] == ["data", "weights", "a"]
    assert "13.5 GB, http://images.cocodataset.org" in l_row.missing[0].remedy
    assert "about 170 MB" in l_row.missing[1].remedy and "about 4 MB" in s_row.missing[1].remedy
    told, runner = [], Runner()
    paper.run_jobs([l_row, s_row], output.paper_state(tmp_path), tmp_path, told.append, runner)
    assert told[0].startswith("psroi_align: not run, for there is no\n  data (./data/coco/annotations/")
    assert sum(text.startswith("\nTo get a GPU") for text in told) == 1 and not runner.commands


def test_of_other_layouts_the_folder_alone_is_looked_for(ready, tmp_path):
    for place, kind, missing in ((tmp_path, "auto", 0), (tmp_path / "no", "yolo", 1), (tmp_path / "no", "shapes", 0)):
        job, = paper.plan_jobs(["voc_l"], [*ready, "dataset.dataset_path", str(place), "dataset.dataset", kind], gpus=8)
        assert [lack.what for lack in job.missing] == [f"data ({place})"] * missing


def test_missing_weights_are_named_as_the_user_did():
    what = [needs.missing_weights(row_config("voc_l", ["network.pretrained", name]), needs.read_needs(), {})[0].what
            for name in ("model/foo.params", "model/foo")]
    assert what == ["weights (model/foo.params)", "weights (model/foo-0000.params)"]


@pytest.mark.parametrize("device, seen, missing", [
    ([], 0, True), ([], 7, True), ([], 8, False), (["--cpu"], 0, False), (["--cpu"], 1, False),
    (["--gpus", "0"], 0, True), (["--gpus", "1,0"], 1, True), (["--gpus", "1,0"], 2, False)])
def test_gpus_are_missing_where_they_are_asked_for(device, seen, missing):
    """The rows' own files ask for eight."""
    assert bool(needs.missing_gpus(row_config("voc_l"), device, seen)) == missing


def test_without_a_gpu_the_cpu_trains_where_it_is_asked_for(ready, tmp_path):
    runner = Runner()
    job, = paper.plan_jobs(["voc_l"], ready, ["--cpu"], gpus=0)
    paper.run_jobs([job], output.paper_state(tmp_path), tmp_path, lambda line: None, runner)
    assert len(runner.commands) == 1 and " --cpu --resume-if-any " in runner.commands[0]


@pytest.mark.parametrize("value", ["", "weights-0000.params"])
def test_weights_are_not_missing(ready, value):
    """Training from scratch needs none, and a file may be named in full."""
    job, = paper.plan_jobs(["voc_l"], [*ready, "network.pretrained", value], gpus=8)
    assert job.missing == []


def test_what_lacks_nothing_runs_once(go, ready, tmp_path):
    assert go() == ["python experiments/train_end2end.py --cfg experiments/cfgs/paper/voc_l.yaml --gpus 0 "
                    "--resume-if-any " + " ".join(ready)]
    assert go() == []
    result, = paper_results.results_of(output.paper_state(tmp_path), "voc_l")
    assert result["metrics"] == {"AP": 0.25, "AP50": 0.25, "AP75": 0.25, "APs": 0.25, "APm": 0.25, "APl": 0.25,
                                 "voc": {"AP": 0.5, "AP07": 0.6}}
    assert result["changes"] == {} and result["seconds"] >= 0


@pytest.mark.parametrize("change", [["TRAIN.end_epoch", "2"], ["TEST.NMS=0.45"], ["SCALES", "[400, 600]"],
                                    ["seed", "1"]])
def test_another_configuration_runs_again(go, tmp_path, change):
    go()
    assert len(go(*change)) == 1 and go(*change) == [] and go() == []
    first, second = paper_results.results_of(output.paper_state(tmp_path), "voc_l")
    assert not first["changes"] and list(second["changes"]) == [change[0].partition("=")[0]]


@pytest.mark.parametrize("change", [["gpus", "0,1"], ["TRAIN.NUM_WORKERS", "3"], ["default.frequent", "7"]])
def test_what_does_not_change_a_result_does_not_run_again(go, change):
    go()
    assert go(*change) == []


def test_a_row_that_an_earlier_version_called_done_runs(go, tmp_path):
    output.paper_state(tmp_path).put("paper/voc_l", {"done": True})
    assert len(go()) == 1


def test_trainings_of_two_configurations_have_folders_of_their_own(go, ready):
    own = row_config("voc_l", ready)
    save_checkpoint("output/paper/voc_l/voc_l-0020", own)
    changed, = go("TRAIN.lr", "0.001")
    folder = changed.rpartition("output_path ")[2]
    assert folder.startswith("output/paper/voc_l-") or folder.startswith("./output/paper/voc_l-")
    # The thresholds of a test belong to the same training.
    assert "output_path" not in go("TEST.NMS", "0.45")[0]
    save_checkpoint(f"{folder}/voc_l-0020", row_config("voc_l", [*ready, "TRAIN.lr", "0.001"]))
    assert go("TRAIN.lr", "0.001", "TEST.NMS", "0.45")[0].endswith(f"output_path {folder}")


def test_an_output_path_takes_a_folder_a_row(go, tmp_path):
    commands = go("output_path", str(tmp_path / "runs"), rows=("voc_l", "voc_s"))
    assert [command.rpartition("output_path ")[2] for command in commands] == [
        str(tmp_path / "runs" / row) for row in ("voc_l", "voc_s")]


def test_a_row_tests_the_last_checkpoint_of_another_rows_training(ready, tmp_path, monkeypatch):
    """The training goes on from epoch 3, and is stopped early after epoch 12."""
    rows = ["s_800", "s_700"]
    overrides = ["dataset.dataset", "voc", "dataset.image_set", "2007_trainval", "dataset.test_image_set", "2007_test",
                 *ready]
    cfg = row_config("s_800", overrides)
    save_checkpoint("output/paper/s_800/s_800-0003", cfg)
    runner = Runner()
    run = runner.run

    def train(words, log):
        if "--resume-if-any" in words:
            save_checkpoint("output/paper/s_800/s_800-0012", cfg)
        run(words, log)

    runner.run = train
    jobs = paper.plan_jobs(rows, overrides, gpus=8)
    paper.run_jobs(jobs, output.paper_state(tmp_path), tmp_path, lambda line: None, runner)
    assert "train_end2end.py" in runner.commands[0] and "test.py" in runner.commands[1]
    assert "--checkpoint output/paper/s_800/s_800-0012 " in runner.commands[1]


def test_a_test_without_figures_is_no_result(go, tmp_path):
    """A file of an earlier test must not count."""
    go()
    runner = Runner()
    runner.run = lambda words, log: None
    with pytest.raises(UsageError, match="voc_l: its test wrote no .*metrics.json"):
        go("TEST.NMS", "0.45", runner=runner)
    assert len(paper_results.results_of(output.paper_state(tmp_path), "voc_l")) == 1


def test_commands_as_a_person_types_them():
    trained, tested = paper.plan_jobs(["psroi_align", "nms_50"], gpus=1)
    assert readable_command(trained.command) == (
        "python experiments/train_end2end.py --cfg experiments/cfgs/paper/psroi_align.yaml --resume-if-any")
    assert readable_command(tested.command) == (
        "python experiments/test.py --cfg experiments/cfgs/paper/nms_50.yaml --checkpoint "
        "output/paper/psroi_align/psroi_align-0020 --out output/paper/nms_50/test")
