"""Data sets and detections made by hand, annotation files in COCO's format, and pycocotools run by hand on them."""
import contextlib
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from light_head_rcnn.data import Annotation, make_record


@pytest.fixture
def dataset_of():
    """Function from image ids and lists of annotations, fields of `Annotation`, to a data set."""
    def dataset_of(*images, classes=("a", "b")):
        return SimpleNamespace(name="fake", path="set", classes=classes, category_ids=None, records=[
            make_record(image_id, f"set/{number}.png", 200, 200, [Annotation(*one) for one in annotations])
            for number, (image_id, annotations) in enumerate(images)])

    return dataset_of


@pytest.fixture
def detected():
    """Function from rows (class id, score, box) to the detections of one image."""
    def detected(*rows):
        return (np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], np.float32),
                np.array([row[2] for row in rows], np.float32).reshape(-1, 4))

    return detected


@pytest.fixture
def guess():
    """Function from records to imperfect detections: some objects are missed, others displaced or of a wrong class."""
    def guess(records, classes, seed=0, noise=3):
        rng = np.random.RandomState(seed)
        detections = []
        for record in records:
            keep = rng.rand(len(record.boxes)) < 0.85
            boxes = record.boxes[keep] + rng.normal(0, noise, (keep.sum(), 4)).astype(np.float32)
            boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
            ids = np.where(rng.rand(keep.sum()) < 0.9, record.classes[keep], rng.randint(0, classes, keep.sum()))
            detections.append((ids, rng.rand(len(ids)).astype(np.float32), boxes))
        return detections

    return guess


@pytest.fixture
def write_set():
    """Function from a folder, the name of a set and the content of its annotation file to the file; writes images."""
    def write_set(root, image_set, value):
        (root / "annotations").mkdir(exist_ok=True)
        (root / image_set).mkdir(exist_ok=True)
        for image in value["images"]:
            Image.new("RGB", (image["width"], image["height"])).save(root / image_set / image["file_name"])
        file = root / "annotations" / f"instances_{image_set}.json"
        file.write_text(json.dumps(value))
        return file

    return write_set


@pytest.fixture
def by_hand():
    """Function from an annotation file and a result file to pycocotools' COCOeval of them, run as in its own demo."""
    def by_hand(annotation_file, results_file, category_ids=None):
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO(str(annotation_file))
            run = COCOeval(truth, truth.loadRes(str(results_file)), "bbox")
            run.params.catIds = category_ids or run.params.catIds
            run.evaluate()
            run.accumulate()
            run.summarize()
        return run

    return by_hand


@pytest.fixture
def assert_equal_figures():
    """Function that compares metrics with a COCOeval, all twelve to the last bit; -1 is NaN."""
    def assert_equal_figures(metrics, run):
        names = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
        np.testing.assert_array_equal([metrics[name] for name in names], np.where(run.stats < 0, np.nan, run.stats))

    return assert_equal_figures


@pytest.fixture
def coco_content():
    """Function from image ids to an annotation file's content, with crowds, areas unlike those of the boxes, and
    categories of which neither ids nor names are in order; the last has no object."""
    def coco_content(image_ids=(12, 5, 130, 7, 0, 33, 2, 21), seed=0):
        rng = np.random.RandomState(seed)
        categories = [{"id": 17, "name": "cat"}, {"id": 3, "name": "zebra"}, {"id": 90, "name": "ant"},
                      {"id": 8, "name": "dog"}]
        annotations = []
        for image_id in image_ids:
            for _ in range(rng.randint(1, 9)):
                x, y = rng.randint(0, 200, 2)
                width, height = np.exp(rng.uniform(np.log(6), np.log(180), 2))
                bbox = [round(float(value), 2) for value in (x, y, min(width, 300 - x), min(height, 300 - y))]
                annotations.append({"id": len(annotations) + 1, "image_id": image_id,
                                    "category_id": categories[rng.randint(3)]["id"], "bbox": bbox,
                                    "area": bbox[2] * bbox[3] * rng.uniform(0.05, 1), "iscrowd": int(rng.rand() < 0.1)})
        return {"info": {}, "categories": categories, "annotations": annotations,
                "images": [{"id": image_id, "file_name": f"{image_id}.png", "width": 300, "height": 300}
                           for image_id in image_ids]}

    return coco_content
