"""Testing a detector on a data set: what is written, other classes, images that cannot be read, paths."""
import json
import logging

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.evaluation import run
from light_head_rcnn.engine.evaluation.run import evaluate
from light_head_rcnn.engine.inference.dataset_detections import DatasetDetections
from light_head_rcnn.engine.inference.detections import Detections
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import DataError, StorageError


@pytest.fixture
def dataset(tmp_path, coco_content, write_set):
    content = coco_content((1, 2, 3))
    for number, annotation in enumerate(content["annotations"]):
        annotation.update(iscrowd=0, category_id=(17, 3, 90)[number % 3])
    write_set(tmp_path, "val", content)
    return load_dataset("coco", tmp_path, "val", classes=("zebra", "cat", "ant"))


@pytest.fixture
def detector(monkeypatch, dataset):
    """Function from names of classes and failures to a detector that finds the objects of these classes; images with
    failures cannot be read."""
    def detector(classes=dataset.classes, failures=()):
        answers = []
        for position, record in enumerate(dataset.records):
            known = [row for row, class_id in enumerate(record.classes)
                     if dataset.classes[class_id] in classes and position not in failures]
            ids = [list(classes).index(dataset.classes[class_id]) for class_id in record.classes[known]]
            answers.append(Detections(np.array(ids, int), np.ones(len(ids), np.float32), record.boxes[known]))
        monkeypatch.setattr(run, "detect_dataset", lambda *arguments, **named: DatasetDetections(
            answers, {position: f"image {position} is broken" for position in failures}))
        return Detector(None, classes, InputPreparation(((80, 160),), (0, 0, 0), (1, 1, 1), 32))

    return detector


def test_what_is_written(tmp_path, dataset, detector, caplog):
    with caplog.at_level(logging.INFO):
        metrics = evaluate(detector(), dataset, tmp_path / "out", logger=logging.getLogger("test"))
    assert metrics["coco"]["AP"] == pytest.approx(1) and metrics["images_left_out"] == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["boxes"] == metrics["detections"]
    assert len(json.loads((tmp_path / "out" / "results.json").read_text())) == metrics["detections"]
    assert "could not be read" not in caplog.text and "metrics.json" in caplog.text
    assert evaluate(detector(), dataset)["voc"]["AP"] == 1


def test_no_metrics_of_an_earlier_test_lie_beside_new_results(tmp_path, dataset, detector, monkeypatch):
    evaluate(detector(), dataset, tmp_path / "out")
    earlier, write = (tmp_path / "out" / "metrics.json"), run.write_results
    assert earlier.is_file()
    monkeypatch.setattr(run, "write_results",
                        lambda *args: pytest.fail("they come too early") if earlier.exists() else write(*args))
    keep = np.zeros(0, int)
    dataset.records = [type(record)(**{**vars(record), **{name: getattr(record, name)[keep] for name in (
        "boxes", "classes", "difficult", "crowd", "areas", "ignored", "coco_boxes")}}) for record in dataset.records]
    assert evaluate(detector(), dataset, tmp_path / "out") is None
    assert not earlier.exists() and json.loads((tmp_path / "out" / "results.json").read_text()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="metrics.json cannot be written"):
        evaluate(detector(), dataset, tmp_path / "file")


def test_figures_that_are_unknown_are_null(tmp_path, dataset, detector):
    record = dataset.records[0]
    keep = record.classes != 2
    dataset.records = [type(record)(**{**vars(record), **{name: getattr(record, name)[keep] for name in (
        "boxes", "classes", "difficult", "crowd", "areas", "ignored", "coco_boxes")}})]
    evaluate(detector(), dataset, tmp_path / "out")

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text(), parse_constant=refuse)
    assert metrics["coco"]["per_class"]["ant"]["AP"] is None and metrics["coco"]["per_class"]["cat"]["AP"] is not None


def test_the_order_of_the_classes_does_not_matter(dataset, detector):
    assert evaluate(detector(("cat", "ant", "zebra")), dataset)["coco"]["AP"] == pytest.approx(1)


def test_classes_that_only_one_side_has(tmp_path, dataset, detector, caplog):
    with caplog.at_level(logging.INFO):
        metrics = evaluate(detector(("unicorn", "cat", "ant")), dataset, logger=logging.getLogger("test"))
    figures = metrics["coco"]["per_class"]
    assert figures["cat"]["AP"] == pytest.approx(1) and figures["zebra"]["AP"] == 0
    assert "does not know zebra" in caplog.text and "does not have unicorn" in caplog.text
    with pytest.raises(DataError, match="no name is in both"):
        evaluate(detector(("unicorn",)), dataset)


@pytest.mark.parametrize("position", [0, 2])
def test_an_image_that_cannot_be_read_is_left_out(tmp_path, dataset, detector, caplog, position):
    with caplog.at_level(logging.INFO):
        result = run.test_detector(detector(failures=(position,)), dataset, tmp_path / "out",
                                   logger=logging.getLogger("test"))
    assert result.failures == [f"image {position} is broken"] and result.failures[0] in caplog.text
    assert result.metrics["images"] == 2 and result.metrics["images_left_out"] == 1
    # Its objects are not missed.
    assert result.metrics["coco"]["AR100"] == pytest.approx(1)
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {one["image_id"] for one in found} == {1, 2, 3} - {position + 1}
    assert len(dataset.records) == 3


def test_a_set_without_boxes_has_results_only(tmp_path, dataset, detector):
    found = detector()
    dataset = load_dataset("coco", dataset.path, "val", classes=dataset.classes, with_labels=False)
    assert evaluate(found, dataset, tmp_path / "out") is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dataset.json", "results.json", "speed.json"]


def test_a_path_takes_the_place_of_a_detector(dataset, detector, monkeypatch):
    found = detector()
    monkeypatch.setattr(run, "load_detector", {"some/path": found}.get)
    assert evaluate("some/path", dataset)["coco"]["AP"] == pytest.approx(1)
