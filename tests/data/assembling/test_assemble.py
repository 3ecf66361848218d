"""Records made of what readers yield: objects, their boxes, flags and classes, and what becomes of faulty ones."""
import math
from collections import Counter

import numpy as np
import pytest
from light_head_rcnn.data import (
    DataError,
    FaultLog,
    FaultPolicy,
    RawImage,
    RawObject,
    RawSet,
    training_boxes,
    training_regions,
)
from light_head_rcnn.data.assembling.assemble import assemble
from light_head_rcnn.data.assembling.raw import NoBox

BOX = [10, 5, 20, 30]  # x, y, width, height; columns 10 to 29 and rows 5 to 34
CORNERS = [10, 5, 29, 34]


@pytest.fixture
def read(tmp_path, make_image):
    """Assembles one image of 60 x 40 pixels with the given objects; returns its record and the log."""
    make_image(tmp_path / "a.png", 60, 40)

    def read_objects(*objects, on_error="default", classes=("cat", "dog"), unread=None, box_format="xywh"):
        log = FaultLog(FaultPolicy(on_error))
        image = RawImage("a.json: image 7", 7, "a.png", 60, 40, list(objects))
        record, = assemble(RawSet([image], box_format, (str(tmp_path),)), classes, log, unread)
        return record, log

    return read_objects


def thing(box=BOX, label="dog", **values):
    return RawObject(1, label, box, **values)


def test_record(read, tmp_path):
    record, log = read(thing(), thing([0, 0, 60, 40], "cat", crowd=1, area=2000.5), thing(difficult="1"))
    assert (record.image_id, record.path, record.width, record.height) == (7, str(tmp_path / "a.png"), 60, 40)
    assert record.upright is True and not log.counts
    assert record.boxes.tolist() == [CORNERS, [0, 0, 59, 39], CORNERS] and record.boxes.dtype == np.float32
    assert record.classes.tolist() == [1, 0, 1] and record.classes.dtype == np.int32
    assert record.crowd.tolist() == [False, True, False] and record.difficult.tolist() == [False, False, True]
    assert record.areas.tolist() == [600, 2000.5, 600] and record.areas.dtype == np.float64
    assert record.coco_boxes.tolist() == [BOX, [0, 0, 60, 40], BOX] and record.coco_boxes.dtype == np.float64
    assert not record.ignored.any() and record.ignored.dtype == bool
    assert record.regions.shape == (0, 4) and record.regions.dtype == np.float32


def test_a_place_in_which_nothing_was_labelled_is_no_fault(read):
    record, log = read(thing(), thing(label=None, region=True), thing([70, 5, 20, 30], None, region=True),
                       thing([50, 30, 20, 30], None, region=True), on_error="raise")
    assert record.boxes.tolist() == [CORNERS] and not log.counts
    assert record.regions.tolist() == [CORNERS, [50, 30, 59, 39]] == training_regions(record).tolist()


def test_a_region_that_is_no_numbers_is_told(read):
    region = thing(["a", 1, 2, 3], None, region=True)
    record, log = read(region)
    assert log.counts == {"box_not_numbers": 1} and record.regions.tolist() == [[0, 0, 59, 39]]
    with pytest.raises(DataError, match="the region .*'a', 1, 2, 3.* is not four finite numbers"):
        read(region, on_error="raise")


def test_an_image_without_objects(read):
    record, log = read()
    assert record.boxes.shape == (0, 4) and record.coco_boxes.shape == (0, 4) and record.regions.shape == (0, 4)
    assert record.classes.shape == record.crowd.shape == record.areas.shape == (0,) and not log.counts


def test_no_images():
    assert assemble(RawSet([], "xywh", ()), ("cat",), FaultLog(FaultPolicy())) == []


def test_metrics_get_boxes_as_they_are_stated(read):
    record, _ = read(thing([0.1, 0.2, 60.3, 0.0]), thing([-0.7, 3.3, 20.1, 5.7]))
    assert record.coco_boxes.tolist() == [[0.1, 0.2, 60.3, 0.0], [-0.7, 3.3, 20.1, 5.7]]
    assert (record.boxes[:, :2] >= 0).all() and (record.boxes[:, 2:] >= record.boxes[:, :2]).all()


OVER = [50, 5, 20, 30]  # reaches 10 pixels over the right edge
FAULTS = {  # how: (object, kind, default action, its region)
    "over the edge": (thing(OVER), "box_over_edge", "clip", [50, 5, 59, 34]),
    "outside": (thing([70, 5, 20, 30]), "box_outside", "drop", None),
    "inverted": (thing([29, 34, -19, -29]), "box_inverted", "drop", [9, 4, 29, 34]),
    "not finite": (thing([10, 5, math.nan, 30]), "box_not_numbers", "drop", [0, 0, 59, 39]),
    "no box": (thing(None), "box_not_numbers", "drop", [0, 0, 59, 39]),
    "a point": (thing(NoBox("it is a point", (10, 5, 0, 0))), "no_box", "drop", [10, 5, 10, 5]),
    "in another unit": (thing(NoBox("in inches")), "no_box", "drop", [0, 0, 59, 39]),
    "unknown class": (thing(label=None, stated_class=5), "class_unknown", "drop", CORNERS),
    "odd crowd": (thing(crowd="perhaps"), "value_not_understood", "ignore", CORNERS),
    "odd difficult": (thing(difficult=[1]), "value_not_understood", "ignore", CORNERS),
    "odd area": (thing(area=-3), "value_not_understood", "ignore", CORNERS),
}


@pytest.mark.parametrize("how", sorted(FAULTS))
def test_every_action_of_every_fault_of_an_object(read, how):
    faulty, kind, default, region = FAULTS[how]
    record, log = read(thing([1, 1, 5, 5]), faulty, thing([2, 2, 5, 5]))
    assert log.as_json()[kind]["action"] == default and log.counts == {kind: 1}
    message, = log.examples[kind]
    assert message.startswith("a.json: image 7, annotation 1 ")
    with pytest.raises(DataError, match="a.json: image 7, annotation 1 ") as caught:
        read(faulty, on_error={kind: "error"})
    assert caught.value.kind == kind

    record, _ = read(thing([1, 1, 5, 5]), faulty, thing([2, 2, 5, 5]), on_error={kind: "drop"})
    assert record.boxes.tolist() == [[1, 1, 5, 5], [2, 2, 6, 6]] and record.coco_boxes.shape == (2, 4)
    assert record.regions.tolist() == ([] if region is None else [region])
    assert training_regions(record).tolist() == record.regions.tolist()


@pytest.mark.parametrize("how", [how for how, fault in FAULTS.items() if fault[1] in (
    "box_over_edge", "box_inverted", "value_not_understood")])
def test_objects_that_are_ignored_stay_and_count_nowhere(read, how):
    faulty, kind, _, region = FAULTS[how]
    record, _ = read(faulty, thing([2, 2, 5, 5]), on_error={kind: "ignore"})
    assert record.ignored.tolist() == [True, False] and record.boxes[0].tolist() == region
    assert record.coco_boxes[0].tolist() == [region[0], region[1], region[2] - region[0] + 1, region[3] - region[1] + 1]
    assert record.areas[0] == record.coco_boxes[0, 2] * record.coco_boxes[0, 3]
    assert training_boxes(record)[0].tolist() == [[2, 2, 6, 6]]
    assert training_regions(record).tolist() == [region] and record.regions.shape == (0, 4)


def test_clipped_boxes_are_clipped_for_the_metrics_too(read):
    record, _ = read(thing(OVER), thing(OVER, area=450))
    assert record.boxes.tolist() == [[50, 5, 59, 34]] * 2 and record.coco_boxes.tolist() == [[50, 5, 10, 30]] * 2
    assert record.areas.tolist() == [300, 450]


def test_boxes_over_the_edge_by_a_pixel_are_no_fault(read):
    record, log = read(thing([-1, -1, 62, 42]), on_error={"box_over_edge": "error"})
    assert record.boxes.tolist() == [[0, 0, 59, 39]] and not log.counts


def test_several_faults_of_one_object(read):
    record, log = read(thing(OVER, crowd="perhaps"))
    assert log.counts == {"box_over_edge": 1, "value_not_understood": 1}
    assert record.ignored.tolist() == [True] and record.boxes.tolist() == [[50, 5, 59, 34]]
    _, log = read(thing(OVER, label=None))
    assert log.counts == {"class_unknown": 1}  # what is left out has no further faults


def test_objects_of_other_classes_are_not_seen(read):
    unread = Counter()
    record, log = read(thing(), thing(label="cow"), thing([1, 2], label="cow", crowd="perhaps"), unread=unread,
                       classes=("horse", "dog"))
    assert record.classes.tolist() == [1] and record.regions.shape == (0, 4) and not log.counts
    assert unread == {"cow": 2}


def test_areas_that_are_numbers_but_no_areas(read):
    record, log = read(*(thing(area=value) for value in (-1, float("inf"), float("nan"), 10 ** 400, 0, 7)))
    assert record.ignored.tolist() == [True] * 4 + [False] * 2
    record, log = read(*(thing(area=value) for value in (-1, float("inf"), float("nan"), 0, 7)))
    assert record.ignored.tolist() == [True] * 3 + [False] * 2 and log.counts == {"value_not_understood": 3}
    assert record.areas.tolist() == [600] * 3 + [0, 7]


def test_flags_and_areas_by_meaning(read):
    record, log = read(*(thing(crowd=value, difficult=value, area="600") for value in ("0", "false", 0.0, None, "",
                                                                                       "1", "True", 1.0, True)))
    assert record.crowd.tolist() == record.difficult.tolist() == [False] * 5 + [True] * 4
    assert record.areas.tolist() == [600] * 9 and not log.counts


def test_numbers_and_truth_values_that_are_equal_are_told_apart(read):
    _, log = read(thing(area=1), thing(area=True), thing(area=1.0))
    assert log.counts == {"value_not_understood": 1}


def test_boxes_stated_as_texts(read):
    record, log = read(thing(["11", " 6.0", "30", "35"]), box_format="corners_from_1")
    assert record.boxes.tolist() == [CORNERS] and record.coco_boxes.tolist() == [BOX] and not log.counts


def test_objects_go_to_their_own_images(tmp_path, make_image):
    """Compared with a loop over images; some have no objects, some have objects that become regions."""
    rng = np.random.RandomState(0)
    images, expected = [], []
    for number in range(40):
        make_image(tmp_path / f"{number}.png", 60, 40)
        boxes = [rng.randint(0, (50, 30, 60, 40)).tolist() for _ in range(rng.randint(4))]
        objects = [thing(box, ("cat", "dog", None, "cow")[rng.randint(4)]) for box in boxes]
        images.append(RawImage(f"image {number}", number, f"{number}.png", None, None, objects))
        fitted = [(o.label, [x, y, min(max(x, x + w - 1), 59), min(max(y, y + h - 1), 39)])
                  for o in objects for x, y, w, h in [o.box]]
        expected.append(([box for label, box in fitted if label in ("cat", "dog")],
                         [("cat", "dog").index(label) for label, _ in fitted if label in ("cat", "dog")],
                         [box for label, box in fitted if label is None]))
    records = assemble(RawSet(iter(images), "xywh", (str(tmp_path),)), ("cat", "dog"), FaultLog(FaultPolicy()))
    assert [r.image_id for r in records] == list(range(40))
    assert [(r.boxes.tolist(), r.classes.tolist(), r.regions.tolist()) for r in records] == expected
    assert sum(len(r.regions) for r in records) and not all(len(r.boxes) for r in records)


def test_a_set_whose_boxes_are_of_another_format_is_refused_unless_they_are_kept(read):
    corners = [thing([2 * n, n, 2 * n + 30, n + 20]) for n in range(10)]
    with pytest.raises(DataError, match=r"a.json: image 7: the boxes read like corners.*: keep") as caught:
        read(*corners)
    assert caught.value.kind == "boxes_of_another_format"
    record, log = read(*corners, on_error={"boxes_of_another_format": "keep"})
    assert len(record.boxes) == 10 and log.counts["boxes_of_another_format"] == 1
    assert len(read(*corners, on_error="skip")[0].boxes) == 10


def test_labels_are_cleaned_as_the_names_of_classes_are(read):
    unread = Counter()
    record, log = read(thing(label=" cat "), thing(label="red\tdog"), thing(label="cow\x1b"), thing(label=" "),
                       classes=("cat", "red dog"), unread=unread)
    assert record.classes.tolist() == [0, 1] and unread == {"cow\ufffd": 1} and log.counts == {"class_unknown": 1}
