"""Data sets by name: those of the package, and those that a program adds."""
import glob
import os
import subprocess
import sys

import pytest
from light_head_rcnn import data
from light_head_rcnn.data import registry
from light_head_rcnn.errors import UsageError


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_READERS", dict(registry._READERS))


class CropDataset(data.Dataset):
    """Images named after what fills them, such as wheat-17.png."""

    layout = "crops"

    def read_image_set(self, image_set, with_labels):
        records = []
        for path in sorted(glob.glob(os.path.join(self.path, image_set, "*.png"))):
            width, height = data.image_size(path)
            stem = os.path.basename(path)[:-len(".png")]
            whole = data.Annotation((0, 0, width - 1, height - 1), self.classes.index(stem.split("-")[0]))
            records.append(data.make_record(stem, path, width, height, [whole] if with_labels else []))
        return records


@pytest.fixture
def photos(tmp_path, make_image):
    make_image(tmp_path / "train" / "maize-3.png", 20, 10)
    make_image(tmp_path / "train" / "wheat-17.png", 30, 40)
    return tmp_path


def test_names_of_the_package():
    assert data.dataset_names() == ("auto", "coco", "voc", "yolo", "cvat", "labelme", "via", "createml", "labelstudio",
                                    "supervisely", "bdd100k", "kitti", "visdrone", "widerface",
                                    "openimages", "csv", "shapes", "shapes_hard")


def test_a_class_is_registered_and_loaded(photos):
    assert data.register_dataset("Crops", CropDataset) is CropDataset
    assert data.dataset_names()[-1] == "crops"
    for name in ("crops", "CROPS"):
        dataset = data.load_dataset(name, photos, "train", classes=("wheat", "maize"))
        assert isinstance(dataset, CropDataset) and [r.image_id for r in dataset.records] == ["maize-3", "wheat-17"]
        assert [r.boxes.tolist() for r in dataset.records] == [[[0, 0, 19, 9]], [[0, 0, 29, 39]]]
        assert [r.classes.tolist() for r in dataset.records] == [[1], [0]]


def test_the_decorator_passes_every_argument_on(photos):
    received = []

    @data.register_dataset("corn")
    def read_corn(path, image_set, classes, on_error, with_labels):
        received.append((path, image_set, classes, on_error, with_labels))
        return CropDataset(path, image_set, classes, on_error, with_labels)

    assert callable(read_corn)
    dataset = data.load_dataset("corn", photos, "train", ("maize", "wheat"), "skip", False)
    assert received == [(photos, "train", ("maize", "wheat"), "skip", False)]
    assert len(dataset) == 2 and not any(len(record.boxes) for record in dataset.records)
    data.load_dataset("corn", photos, "train", classes=("maize", "wheat"))
    assert received[1] == (photos, "train", ("maize", "wheat"), "default", True)


def test_a_name_is_given_once():
    with pytest.raises(UsageError, match="the name 'COCO' of a data set is taken; names in use: auto, coco, voc, yolo"):
        data.register_dataset("COCO", CropDataset)
    data.register_dataset("crops", CropDataset)
    with pytest.raises(UsageError, match="the name 'crops' .*shapes_hard, crops"):
        data.register_dataset("crops")(CropDataset)


def test_an_unknown_name_lists_the_known(tmp_path):
    with pytest.raises(UsageError, match="unknown data set 'cityscapes'; known: auto, coco, .*, shapes_hard; regis"):
        data.load_dataset("cityscapes", tmp_path, "train")


def test_data_sets_are_read_and_checked_without_mxnet(coco_tree):
    script = """if True:
        import sys
        from light_head_rcnn import data
        dataset = data.load_dataset("coco", sys.argv[1], "train")
        dataset.check_images()
        loaded = {"mxnet", "gluoncv"} & set(sys.modules)
        assert not loaded, loaded
        pool = data.batching.WorkerPool(lambda task: (data.read_image(dataset.records[task]),), 1, 60)
        assert [pixels.shape for pixels, in pool.run([0, 1])] == [(40, 60, 3), (60, 40, 3)]
        assert "mxnet" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", script, str(coco_tree.root)], check=True)


def test_an_option_that_a_reader_does_not_take_is_named(photos):
    data.register_dataset("crops", CropDataset)
    assert len(data.load_dataset("crops", photos, "train", ("wheat", "maize"), max_megapixels=1)) == 2
    with pytest.raises(UsageError, match="the data set 'crops' has no option 'image_root'"):
        data.load_dataset("crops", photos, "train", ("wheat", "maize"), image_root="x")
