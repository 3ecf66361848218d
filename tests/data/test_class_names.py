"""The class names of COCO and VOC."""
import json

import pytest
from light_head_rcnn.data import COCO_CLASSES, VOC_CLASSES

# Ids up to 90 that COCO's detection task left out.
UNUSED_COCO_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
# A few of COCO's published pairs of id and name, between all of the gaps.
COCO_NAMES = {1: "person", 11: "fire hydrant", 13: "stop sign", 25: "giraffe", 27: "backpack", 28: "umbrella",
              31: "handbag", 44: "bottle", 46: "wine glass", 62: "chair", 63: "couch", 64: "potted plant",
              65: "bed", 67: "dining table", 70: "toilet", 72: "tv",
              82: "refrigerator", 84: "book", 90: "toothbrush"}


def test_coco_has_80_distinct_names_in_the_order_of_its_ids():
    assert len(COCO_CLASSES) == len(set(COCO_CLASSES)) == 80
    ids = sorted(set(range(1, 91)) - UNUSED_COCO_IDS)
    by_id = dict(zip(ids, COCO_CLASSES))
    assert {i: by_id[i] for i in COCO_NAMES} == COCO_NAMES


@pytest.mark.realdata
@pytest.mark.parametrize("image_set", ["train2017", "val2017"])
def test_coco_agrees_with_a_real_annotation_file(shared_data, image_set):
    file = shared_data("tiny_coco") / "annotations" / f"instances_{image_set}.json"
    categories = json.loads(file.read_text(encoding="utf-8"))["categories"]
    assert COCO_CLASSES == tuple(c["name"] for c in sorted(categories, key=lambda c: c["id"]))


def test_voc_has_20_distinct_names_in_alphabetical_order():
    assert len(VOC_CLASSES) == len(set(VOC_CLASSES)) == 20 and list(VOC_CLASSES) == sorted(VOC_CLASSES)
    assert {"aeroplane", "diningtable", "motorbike", "pottedplant", "sofa", "tvmonitor"} < set(VOC_CLASSES)
