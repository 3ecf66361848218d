"""The benchmark of reading data sets: its sets are sound, and what it tells is what was read."""
import contextlib
import json

import pytest

from light_head_rcnn.data import load_dataset, read_image
from light_head_rcnn.experiments.benchmarks import dataset_loading, large_sets
from light_head_rcnn.experiments.commands import benchmark


def test_coco_sets_have_no_faults_and_are_the_same_with_and_without_polygons(tmp_path):
    for name, polygons in (("with", True), ("without", False)):
        large_sets.write_coco_set(str(tmp_path / name), 40, 300, polygons)
    one, other = (load_dataset("coco", str(tmp_path / name), "train2017", on_error="raise")
                  for name in ("with", "without"))
    assert len(one) == 40 and len(one.classes) == 80
    assert sum(len(record.boxes) for record in one.records) == 300
    assert sum(record.crowd.sum() for record in one.records) == 3
    assert read_image(one.records[3]).shape == (one.records[3].height, one.records[3].width, 3)
    assert [record.boxes.tolist() for record in one.records] == [record.boxes.tolist() for record in other.records]
    file = json.loads((tmp_path / "with/annotations/instances_train2017.json").read_text())
    lengths = [len(entry["segmentation"][0]) for entry in file["annotations"] if not entry["iscrowd"]]
    assert 40 < sum(lengths) / len(lengths) < 60  # numbers, two of each corner


def test_voc_sets_have_no_faults(tmp_path):
    large_sets.write_voc_set(str(tmp_path), 30)
    dataset = load_dataset("voc", str(tmp_path), "trainval", on_error="raise")
    assert len(dataset) == 30 and 60 <= sum(len(record.boxes) for record in dataset.records) <= 90
    assert any(record.difficult.any() for record in dataset.records)


@pytest.mark.slow
def test_benchmark(tmp_path, capsys):
    out = tmp_path / "numbers.json"
    assert benchmark.main(["data", "--images", "30", "--boxes", "200", "--voc-images", "10", "--tested-images", "5",
                           "--folder", str(tmp_path / "sets"), "--json", str(out)]) == 0
    content = json.loads(out.read_text())
    assert [row["case"] for row in content["rows"]] == list(dataset_loading.CASES)
    rows = {row["case"]: row for row in content["rows"]}
    assert (rows["coco"]["images"], rows["coco"]["boxes"]) == (30, 200)
    assert (rows["auto"]["images"], rows["auto"]["boxes"]) == (30, 200)
    assert rows["voc"]["images"] == 10
    assert rows["results"]["again"] is None and rows["results"]["boxes"] == 500
    assert len(json.loads((tmp_path / "sets/tested.json").read_text())) == 500
    for row in content["rows"]:
        assert row["first"]["seconds"] > 0 and row["first"]["peak"] >= 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == [dataset_loading.HEADER, *map(dataset_loading.format_row, content["rows"])]


def test_a_set_whose_writing_was_interrupted_is_written_anew(tmp_path, monkeypatch):
    written = []

    def write(path, sizes):
        (tmp_path / "sets" / path / "images").mkdir(parents=True)
        written.append(path)
        if len(written) == 1:
            raise KeyboardInterrupt

    monkeypatch.setitem(dataset_loading.CASES, "voc", dataset_loading.CASES["voc"]._replace(write=write))
    monkeypatch.setattr(dataset_loading, "_measure_in_process", lambda cache, *task: {
        "images": len(written), "boxes": 0, "seconds": 1, "processor": 1, "peak": 1})
    (tmp_path / "sets").mkdir()
    for _ in range(2):
        with contextlib.suppress(KeyboardInterrupt):
            row, = dataset_loading.run_cases(str(tmp_path / "sets"), dataset_loading.Sizes(1, 1, 1, 1), ["voc"])
    assert row["images"] == 2 and [path.name for path in (tmp_path / "sets").iterdir()] == ["voc"]


def test_unknown_case():
    assert benchmark.main(["data", "--cases", "yolo"]) != 0
