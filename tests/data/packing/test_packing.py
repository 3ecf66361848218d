"""What is packed is read as it was before, in every field, and by other programs too."""
import filecmp
import json
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.data import CocoDataset, load_dataset, read_image
from light_head_rcnn.data.flat_records import FlatRecords
from light_head_rcnn.data.packing.set_packer import detection_labels
from light_head_rcnn.data.writers import write_dataset
from light_head_rcnn.errors import DataError, UsageError


def test_every_field_comes_back_with_faults_and_ids(odd_tree, tmp_path, pack, assert_same):
    source = pack(odd_tree.root, tmp_path / "packed", shuffled=("train",))["train"]
    packed = load_dataset("auto", tmp_path / "packed", "train")
    assert source.records[1].regions.shape == (1, 4) and any(record.ignored.any() for record in source.records)
    assert isinstance(packed.records, FlatRecords)
    assert_same(packed.records, source.records)
    for name in ("classes", "category_ids", "unread"):
        assert getattr(packed, name) == getattr(source, name)
    assert packed.log.as_json() == source.log.as_json() and packed.log.counts["image_missing"] == 1
    assert packed.report() == {**source.report(), "name": "packed train"}
    for one, other in zip(packed.records, source.records):
        np.testing.assert_array_equal(read_image(one), read_image(other))
        np.testing.assert_array_equal(read_image(one.path), read_image(other.path))
        with open(other.path, "rb") as file:
            content = file.read()
        assert data.read_header(one.path) == data.read_header(other.path)
        place = one.path[len(str(tmp_path / "packed")):]
        assert place.startswith("/train-0000") and place.endswith("/train/" + os.path.basename(other.path))
        assert content in (tmp_path / "packed" / place[1:16]).read_bytes()


@pytest.mark.parametrize("name, layout, sets", [("tiny_coco", "coco", ("train", "val")),
                                                ("bccd", "voc", ("train", "test")), ("kangaroo", "voc", ("all",))])
def test_photographs_of_several_layouts(shared_data, tmp_path, pack, assert_same, name, layout, sets):
    sources = pack(shared_data(name), tmp_path / "packed", sets, shard_bytes=600_000, shuffled=sets[:1])
    for image_set, source in sources.items():
        packed = load_dataset("auto", tmp_path / "packed", image_set)
        assert source.layout == layout
        assert_same(packed.records, source.records)
        assert packed.classes == source.classes and packed.category_ids == source.category_ids
        assert packed.notes == source.notes and packed.log.as_json() == source.log.as_json()
        for position in (0, len(source) // 2, len(source) - 1):
            np.testing.assert_array_equal(read_image(packed.records[position]), read_image(source.records[position]))
    if len(sets) > 1:
        joined = load_dataset("auto", tmp_path / "packed", "+".join(sets))
        assert_same(joined.records, [record for one in sources.values() for record in one.records])


def test_images_that_are_turned_keep_their_frame(shared_data, tmp_path, pack, assert_same, make_image):
    (tmp_path / "coco" / "train").mkdir(parents=True)
    for name in ("stored.jpg", "shown.jpg"):
        image, exif = Image.fromarray(np.arange(3600, dtype=np.uint8).reshape(30, 40, 3)), Image.Exif()
        exif[0x0112] = 6
        image.save(tmp_path / "coco" / "train" / name, exif=exif, quality=95)
    (tmp_path / "coco" / "train.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "stored.jpg", "width": 40, "height": 30},
                   {"id": 2, "file_name": "shown.jpg", "width": 30, "height": 40}],
        "annotations": [{"id": 1, "image_id": one, "category_id": 1, "bbox": [2, 3, 4, 5]} for one in (1, 2)],
        "categories": [{"id": 1, "name": "a"}]}))
    source = pack(tmp_path / "coco", tmp_path / "packed")["train"]
    packed = load_dataset("auto", tmp_path / "packed", "train")
    assert [record.upright for record in packed.records] == [False, True]
    assert_same(packed.records, source.records)
    for one, other in zip(packed.records, source.records):
        np.testing.assert_array_equal(read_image(one), read_image(other))


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_converting_gives_the_files_that_the_source_gives(odd_tree, tmp_path, pack, layout):
    source = pack(odd_tree.root, tmp_path / "packed", shuffled=("train",))["train"]
    packed = load_dataset("auto", tmp_path / "packed", "train")
    for name, dataset in (("a", source), ("b", packed)):
        write_dataset(layout, str(tmp_path / name), {"train": dataset.records}, dataset.classes, "copy",
                      dataset.category_ids)
    files = [os.path.relpath(os.path.join(folder, file), tmp_path / "a")
             for folder, _, files in os.walk(tmp_path / "a") for file in files]
    assert len(files) > 3
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", files, shallow=False)[0] == files
    with pytest.raises(AssertionError):  # a link to an image in a shard is a copy
        assert not write_dataset("coco", str(tmp_path / "c"), {"train": packed.records}, packed.classes)


def test_other_classes_and_no_labels(odd_tree, tmp_path, pack, assert_same):
    pack(odd_tree.root, tmp_path / "packed")
    for options in (dict(classes=["dog"]), dict(classes=["bird", "dog", "cat"]), dict(with_labels=False),
                    dict(classes=["dog"], with_labels=False)):
        source = load_dataset("auto", odd_tree.root, "train", **options)
        packed = load_dataset("auto", tmp_path / "packed", "train", **options)
        # Of a region that was left out it is not known of which class it was.
        assert_same(packed.records, source.records, but=("path", "regions"))
        assert packed.classes == source.classes and packed.unread == source.unread


def test_any_name_of_a_layout_reads_it(coco_tree, tmp_path, pack):
    pack(coco_tree.root, tmp_path / "packed")
    for name in ("coco", "voc", "shapes", "auto"):
        assert load_dataset(name, tmp_path / "packed", "train").layout == "packed"
    assert load_dataset("auto", tmp_path / "elsewhere", "train", annotations={"train": tmp_path / "packed"}).records
    with pytest.raises(DataError, match="there is no image set 'val'; sets there: train"):
        load_dataset("auto", tmp_path / "packed", "val")


def test_policies_hold_when_it_is_read(odd_tree, tmp_path, pack):
    pack(odd_tree.root, tmp_path / "packed")
    with pytest.raises(DataError, match="had 1 faults of the kind image_missing when .*, such as: .*gone.jpg"):
        load_dataset("auto", tmp_path / "packed", "train", on_error={"image_missing": "error"})
    large = load_dataset("auto", tmp_path / "packed", "train", max_megapixels=2450e-6)
    assert len(large) == 2 and large.log.counts["image_too_large"] == 1


def test_the_order_in_the_shards_is_drawn_and_that_of_the_records_is_kept(make_image, tmp_path, pack, assert_same):
    for number in range(40):
        make_image(tmp_path / "set" / f"{number:02}.jpg", 20, 20, number)
    (tmp_path / "set" / "boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\n" + "".join(
        f"{number:02}.jpg,a,1,2,3,4\n" for number in range(40)))
    orders = []
    for options in (dict(), dict(shuffled=("all",)), dict(shuffled=("all",)), dict(shuffled=("all",), seed=1)):
        folder = tmp_path / f"packed{len(orders)}"
        source = pack(tmp_path / "set", folder, ("all",), **options)["all"]
        packed = load_dataset("auto", folder, "all")
        assert_same(packed.records, source.records)
        orders.append(packed.records.storage_order().tolist())
    assert orders[0] == list(range(40)) and orders[1] == orders[2] != orders[3]
    assert sorted(orders[1]) == sorted(orders[3]) == orders[0] != orders[1]


def test_smaller_images(coco_tree, tmp_path, pack):
    pack(coco_tree.root, tmp_path / "packed", resize_short=45)
    source, packed = load_dataset("auto", coco_tree.root, "train"), load_dataset("auto", tmp_path / "packed", "train")
    assert [(one.width, one.height) for one in packed.records] == [(60, 40), (40, 60), (45, 45)]
    pack(coco_tree.root, tmp_path / "small", resize_short=20)
    packed = load_dataset("auto", tmp_path / "small", "train")
    assert [(one.width, one.height) for one in packed.records] == [(30, 20), (20, 30), (20, 20)]
    for one, other in zip(packed.records, source.records):
        assert read_image(one).shape[:2] == (one.height, one.width)
        scale = one.width / other.width
        np.testing.assert_allclose(one.coco_boxes, other.coco_boxes * scale)
        np.testing.assert_allclose(one.areas, other.areas * scale ** 2)
        sides, wanted = ((boxes[:, 2:] - boxes[:, :2] + 1) for boxes in (one.boxes, other.boxes))
        np.testing.assert_allclose(sides, wanted * scale)
        # The image is the same one.
        middle, theirs = read_image(one)[5:-5, 5:-5].mean((0, 1)), read_image(other)[10:-10, 10:-10].mean((0, 1))
        assert abs(middle - theirs).max() < 3


def test_gluoncv_and_mxnet_read_it(odd_tree, tmp_path, pack):
    gluoncv = pytest.importorskip("gluoncv.data.recordio.detection")
    pack(odd_tree.root, tmp_path / "packed", shard_bytes=10 ** 6)
    records = load_dataset("auto", tmp_path / "packed", "train").records
    theirs = gluoncv.RecordFileDetection(str(tmp_path / "packed" / "train-00000.rec"))
    assert len(theirs) == 3
    for record, number in zip(records, (0, 1)):  # GluonCV refuses images without boxes, as the third one is
        image, label = theirs[number]
        boxes, classes = data.training_boxes(record)
        assert image.shape == (record.height, record.width, 3)
        assert abs(image.asnumpy().astype(int) - read_image(record)).mean() < 2
        np.testing.assert_allclose(label[:, :4], boxes, atol=1e-4)
        np.testing.assert_array_equal(label[:, 4], classes)
        np.testing.assert_array_equal(detection_labels(record)[:4], [4, 5, record.width, record.height])


def test_images_that_break_meanwhile_are_left_out(coco_tree, tmp_path, pack, monkeypatch):
    source = load_dataset("auto", coco_tree.root, "train")
    monkeypatch.setattr(data.packing.set_packer, "open_image_file", lambda path: open(
        path if not path.endswith("b.jpg") else "/gone", "rb"))
    folder = tmp_path / "packed"
    packed_source = pack(coco_tree.root, folder)["train"]
    assert packed_source.log.counts == Counter({"image_missing": 1})
    packed = load_dataset("auto", folder, "train")
    assert [one.image_id for one in packed.records] == [7, 5] and len(source) == 3
    assert packed.log.counts == {"image_missing": 1}


def test_a_packed_data_set_is_packed_anew(odd_tree, tmp_path, pack, assert_same):
    source = pack(odd_tree.root, tmp_path / "packed")["train"]
    pack(tmp_path / "packed", tmp_path / "again", shuffled=("train",), shard_bytes=10 ** 6)
    again = load_dataset("auto", tmp_path / "again", "train")
    assert_same(again.records, source.records)
    assert again.records[0].path.endswith("/train/a.jpg") and again.records[0].path.count(".rec/") == 1


@pytest.mark.parametrize("fill", ["file", "other file", "packed"])
def test_folders_that_are_taken(coco_tree, tmp_path, pack, fill):
    folder = tmp_path / "packed"
    if fill == "packed":
        pack(coco_tree.root, folder)
    else:
        folder.mkdir()
        (folder / "x").write_text("x")
    with pytest.raises(UsageError, match={"packed": "holds a packed data set already"}.get(fill, "is not empty")):
        pack(coco_tree.root, folder)


def test_readers_of_single_layouts_stay_as_they_were(coco_tree):
    assert type(CocoDataset(coco_tree.root, "train").records) is list
