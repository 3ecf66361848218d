"""Which file an entry means, which image can be used, and in which frame its boxes are."""
import pytest
from light_head_rcnn.data import DataError, FaultLog, FaultPolicy, RawImage, RawObject, RawSet, read_image
from light_head_rcnn.data.assembling.assemble import assemble
from PIL import Image

THINGS = (RawObject(1, "dog", [1, 1, 5, 5]),)


def entry(name, width=60, height=40, objects=THINGS, **values):
    return RawImage(f"list: {name}", name, name, width, height, list(objects), **values)


@pytest.fixture
def root(tmp_path, make_image):
    for index in range(6):
        make_image(tmp_path / f"{index}.jpg", 60, 40, index)
    return tmp_path


def read(root, *images, on_error="default", **values):
    log = FaultLog(FaultPolicy(on_error))
    max_megapixels = values.pop("max_megapixels", 100)
    raw = RawSet(images, "xywh", (str(root),), **values)
    return assemble(raw, ("dog",), log, max_megapixels=max_megapixels), log


def ids(records):
    return [record.image_id for record in records]


NAMES = [f"{index}.jpg" for index in range(6)]


def spoil(path, cut):
    path.write_bytes(path.read_bytes()[:cut])


def two_formats(path):
    for suffix in (".bmp", ".png"):
        path.with_suffix(suffix).write_bytes(path.read_bytes())
    path.unlink()


FAULTS = {  # kind: how to break the image 1.jpg
    "image_missing": lambda path: path.unlink(),
    "image_unreadable": lambda path: path.write_bytes(b"no image"),
    "image_truncated": lambda path: spoil(path, 900),
    "image_ambiguous": two_formats,
}


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_an_image_that_cannot_be_used(root, kind):
    FAULTS[kind](root / "1.jpg")
    images = [entry(name) for name in NAMES]
    with pytest.raises(DataError, match=r"list: 1\.jpg: ") as caught:
        read(root, *images, on_error={kind: "error"})
    assert caught.value.kind == kind
    records, log = read(root, *images, on_error={kind: "drop"})
    assert ids(records) == NAMES[:1] + NAMES[2:] and log.counts == {kind: 1}


def test_a_folder_that_cannot_be_listed_is_an_error(root, forbid):
    (root / "more").mkdir()
    forbid(root / "more")
    with pytest.raises(DataError, match="more: the folder cannot be listed"):
        read(root, *map(entry, NAMES), entry("no.jpg"), on_error="skip")


def test_images_that_are_cut_off_are_kept_and_counted(root):
    spoil(root / "1.jpg", 900)
    records, log = read(root, *map(entry, NAMES))
    assert ids(records) == NAMES and log.counts == {"image_truncated": 1}
    assert read_image(records[1]).shape == (40, 60, 3)


def test_images_beyond_the_limit(root):
    records, log = read(root, entry("0.jpg"), entry("1.jpg"), max_megapixels=0.0024)
    assert len(records) == 2 and not log.counts
    Image.new("RGB", (60, 41)).save(root / "1.jpg")
    records, log = read(root, entry("0.jpg"), entry("1.jpg", 60, 41), max_megapixels=0.0024)
    assert ids(records) == ["0.jpg"] and log.counts == {"image_too_large": 1}


def test_an_entry_with_a_fault_is_left_out_without_looking_further(root):
    records, log = read(root, entry("0.jpg"), entry("1.jpg", fault=("image_entry_broken", "list: 1.jpg has no id")),
                        counted_folder=str(root))
    assert ids(records) == ["0.jpg"]
    assert log.counts == {"image_entry_broken": 1, "image_without_entry": 4}  # the file of a broken entry has an entry
    assert log.examples["image_entry_broken"] == ["list: 1.jpg has no id"]


def test_faults_of_the_set_are_reported(root):
    _, log = read(root, entry("0.jpg"), faults=[("annotation_of_no_image", "there is no image 9")])
    assert log.counts == {"annotation_of_no_image": 1}


def test_a_file_that_is_listed_twice(root):
    one, other = RawObject(1, "dog", [1, 1, 5, 5]), RawObject(2, "dog", [20, 20, 10, 10])
    records, log = read(root, entry("0.jpg", objects=[one]), entry("./0.jpg", objects=[one, other]), entry("1.jpg"),
                        on_error={"image_listed_twice": "drop"})
    assert ids(records) == ["0.jpg", "1.jpg"] and log.counts == {"image_listed_twice": 1}
    # What only the second entry knows is not trained on, and is no background.
    assert records[0].boxes.tolist() == [[1, 1, 5, 5]] and records[0].regions.tolist() == [[20, 20, 29, 29]]
    records, log = read(root, entry("0.jpg", objects=[one]), entry("./0.jpg", objects=[one, other]))
    assert records[0].boxes.tolist() == [[1, 1, 5, 5], [20, 20, 29, 29]] and not len(records[0].regions)
    assert log.counts == {"image_listed_twice": 1}
    with pytest.raises(DataError, match=r"list: \./0.jpg: its file .*0.jpg is that of an entry before it"):
        read(root, entry("0.jpg"), entry("./0.jpg"), on_error={"image_listed_twice": "error"})


def test_another_name_is_taken_where_no_file_has_the_first(root):
    records, log = read(root, entry("there", other_name="0.jpg"), entry("1.jpg"))
    assert [record.path for record in records] == [str(root / "0.jpg"), str(root / "1.jpg")] and not log.counts
    # The picture of another entry is not taken.
    records, log = read(root, entry("there", other_name="1.jpg"), entry("1.jpg"), entry("2.jpg"))
    assert ids(records) == ["1.jpg", "2.jpg"] and log.counts == {"image_missing": 1}


@pytest.mark.parametrize("missing, of, wrong", [(1, 2, False), (1, 6, False), (2, 6, False), (2, 4, True), (3, 6, True),
                                                (5, 6, True)])
@pytest.mark.parametrize("on_error", ["default", "skip"])
def test_half_of_the_images_missing_means_a_wrong_folder(root, missing, of, wrong, on_error):
    for index in range(missing):
        (root / f"{index}.jpg").unlink()
    images = [entry(name) for name in NAMES[:of]]
    if not wrong:
        assert len(read(root, *images, on_error=on_error)[0]) == of - missing
        return
    with pytest.raises(DataError) as caught:
        read(root, *images, on_error=on_error)
    message = str(caught.value)
    assert f"{missing} of {of} images cannot be used ({missing} were not found" in message and str(root) in message
    assert "dataset.image_root" in message and "list: 0.jpg: " in message and "list: 1.jpg: " in message
    assert "list: 3.jpg" not in message and caught.value.kind == "image_missing"


def oriented(path, orientation, width=60, height=40):
    """Writes an image that is stored as width x height and has an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.new("RGB", (width, height), (200, 0, 0))
    image.paste((0, 0, 200), (0, 0, 10, 10))  # a mark in one corner
    image.save(path, quality=95, exif=exif)


@pytest.mark.parametrize("orientation, stated, size, upright, counts", [
    (1, (60, 40), (60, 40), True, {}),
    (1, (None, None), (60, 40), True, {}),
    (1, (0, 0), (60, 40), True, {}),
    (1, ("60", "40.0"), (60, 40), True, {}),
    (1, (60.0, 40.0), (60, 40), True, {}),
    (1, ("unknown", 40), (60, 40), True, {}),
    (1, (-60, 40), (60, 40), True, {}),
    (1, (61, 40), (60, 40), True, {"size_differs": 1}),
    (1, (40, 60), (60, 40), True, {"size_differs": 1}),
    (6, (40, 60), (40, 60), True, {}),  # labelled as viewers show it
    (8, (60, 40), (60, 40), False, {}),  # labelled as it is stored
    (5, (0, 0), (40, 60), True, {"orientation_undecided": 1}),
    (7, (61, 40), (60, 40), False, {"size_differs": 1}), (7, (120, 80), (60, 40), False, {"size_differs": 1}),
    (7, (20, 30), (40, 60), True, {"size_differs": 1}),
    (7, (50, 50), (40, 60), True, {"orientation_undecided": 1, "size_differs": 1}),
    (3, (60, 40), (60, 40), True, {"orientation_undecided": 1}),
    (2, (None, None), (60, 40), True, {"orientation_undecided": 1}),
])
def test_sizes_and_orientations(tmp_path, orientation, stated, size, upright, counts):
    oriented(tmp_path / "0.jpg", orientation)
    records, log = read(tmp_path, entry("0.jpg", *stated))
    record, = records
    assert (record.width, record.height, record.upright) == (*size, upright) and log.counts == counts
    assert read_image(record).shape == (record.height, record.width, 3)


@pytest.mark.parametrize("stated, upright", [((100, 101), False), ((101, 100), True)])
def test_the_exact_size_decides_before_the_aspect(tmp_path, stated, upright):
    oriented(tmp_path / "0.jpg", 6, 100, 101)
    (record,), log = read(tmp_path, entry("0.jpg", *stated))
    assert record.upright is upright and not log.counts


@pytest.mark.parametrize("sizes, upright", [
    ([(60, 40), (60, 40)], False), ([(40, 60), (80, 120)], True), ([(60, 40), (40, 60)], None), ([(50, 50)], None)])
def test_images_that_are_decided_decide_for_the_others(tmp_path, sizes, upright):
    images = [(f"{number}.jpg", 6, size) for number, size in enumerate(sizes)]
    images += [("a.jpg", 3, (60, 40)), ("b.jpg", 8, (None, None)), ("c.jpg", 1, (40, 60))]
    for name, orientation, _ in images:
        oriented(tmp_path / name, orientation)
    records, log = read(tmp_path, *(entry(name, *size) for name, _, size in images))
    assert [record.upright for record in records[-3:]] == [upright is not False] * 2 + [True]
    assert log.counts["orientation_undecided"] == (2 + sizes.count((50, 50)) if upright is None else 0)


def test_squares_are_undecided(tmp_path):
    oriented(tmp_path / "0.jpg", 6, 50, 50)
    records, log = read(tmp_path, entry("0.jpg", 50, 50))
    assert records[0].upright and log.counts == {"orientation_undecided": 1}
    _, log = read(tmp_path, entry("0.jpg", 50, 50, objects=()))
    assert not log.counts  # without boxes there is nothing to decide


def test_boxes_of_images_that_were_resized_may_be_scaled(root):
    images = entry("0.jpg", 120, 80, [RawObject(1, "dog", [10, 20, 30, 40], area=600)]), entry("1.jpg")
    records, log = read(root, *images)
    assert records[0].boxes.tolist() == [[10, 20, 39, 39]] and log.counts == {"size_differs": 1, "box_over_edge": 1}
    assert "it seems to have been resized" in log.examples["size_differs"][0]
    records, log = read(root, *images, on_error={"size_differs": "scale"})
    assert records[0].boxes.tolist() == [[5, 10, 19, 29]] and records[0].areas.tolist() == [150]
    assert records[0].coco_boxes.tolist() == [[5, 10, 15, 20]] and records[1].boxes.tolist() == [[1, 1, 5, 5]]
    assert log.counts == {"size_differs": 1}
    records, log = read(root, entry("0.jpg", 120, 40), on_error={"size_differs": "scale"})  # stretched
    assert records[0].coco_boxes.tolist() == [[.5, 1, 2.5, 5]] and "resized" not in log.examples["size_differs"][0]


@pytest.mark.parametrize("kind", ["size_differs", "orientation_undecided"])
def test_images_of_unclear_frame_may_be_left_out(tmp_path, root, kind):
    oriented(root / "1.jpg", 3)
    images = entry("0.jpg"), entry("1.jpg", 60, 41 if kind == "size_differs" else 40)
    records, _ = read(root, *images, on_error={kind: "drop"})
    assert ids(records) == ["0.jpg"]
    with pytest.raises(DataError, match="list: 1.jpg: .*1.jpg"):
        read(root, *images, on_error={kind: "error"})
