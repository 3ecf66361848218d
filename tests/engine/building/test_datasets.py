"""Data sets of a configuration: where they are found, their classes, and whether there is something to train on."""
import json
from dataclasses import replace

import pytest
from PIL import Image

from light_head_rcnn.engine.building.datasets import (
    build_dataset,
    build_test_set,
    empty_images_line,
    training_records,
)
from light_head_rcnn.errors import ConfigError, DataError

S = "light_head_rcnn_xception_coco"


def test_a_test_set_is_read_with_the_classes_of_the_training_set(configure_model, shapes, renamed):
    options = ["dataset.dataset", "shapes", "dataset.image_set", "train", "dataset.test_image_set", "val"]
    cfg = configure_model(S, *options, "dataset.dataset_path", shapes)
    train = build_dataset(cfg, "train")
    assert len(build_test_set(cfg, train.classes).records) == 2
    cfg = configure_model(S, *options, "dataset.dataset_path", renamed)
    test_set = build_test_set(cfg, train.classes)
    assert test_set.classes == train.classes and test_set.unread["blob"] > 0
    assert build_test_set(configure_model(S, "dataset.test_image_set", ""), train.classes) is None


@pytest.fixture
def own_files(tmp_path):
    """A folder with annotation files that are called like no layout's, and images apart."""
    for number, name, label in ((1, "one", "cat"), (2, "two", "9")):
        for folder in ("photos", "labels"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Image.new("RGB", (60, 40)).save(tmp_path / "photos" / f"{name}.jpg")
        (tmp_path / "labels" / f"{name}.json").write_text(json.dumps({
            "images": [{"id": 1, "file_name": f"{name}.jpg"}], "categories": [{"id": number, "name": label}],
            "annotations": [{"image_id": 1, "category_id": number, "bbox": [1, 2, 30, 20]}]}))
    return tmp_path


def test_the_configuration_names_annotation_files_and_images(configure_model, own_files):
    files = ["dataset.train", "labels/one.json", "dataset.val", str(own_files / "labels" / "two.json")]
    cfg = configure_model(S, "dataset.dataset", "auto", "dataset.dataset_path", str(own_files), *files,
                          "dataset.image_root", "photos")
    train = build_dataset(cfg, "train")
    assert [(r.path, len(r.boxes)) for r in train.records] == [(str(own_files / "photos" / "one.jpg"), 1)]
    assert train.classes == ("cat", "9")
    test_set = build_test_set(cfg, train.classes)
    assert test_set.classes == train.classes and test_set.records[0].classes.tolist() == [1]


def test_a_data_set_that_names_no_layout_is_found(configure_model, shapes):
    cfg = configure_model(S, "dataset.dataset", "auto", "dataset.dataset_path", shapes)
    assert len(build_dataset(cfg, "train").records) == 6 and len(build_dataset(cfg, "val").records) == 2


def test_a_missing_folder_is_told_with_the_key_that_names_it(configure_model, tmp_path):
    cfg = configure_model(S, "dataset.dataset", "auto", "dataset.dataset_path",
                          str(tmp_path / "photos"))
    with pytest.raises(DataError, match="photos: there is no such file or folder; name the folder of your data set by "
                                        "dataset.dataset_path=FOLDER$"):
        build_dataset(cfg, "train")


def test_a_wrong_number_of_classes_is_refused(configure_model, shapes):
    options = ["dataset.dataset", "shapes", "dataset.dataset_path", shapes, "dataset.NUM_CLASSES"]
    assert len(build_dataset(configure_model(S, *options, "4"), "train").classes) == 3
    with pytest.raises(ConfigError, match="NUM_CLASSES is 81, but .* has 3 classes and background; set it to 4"):
        build_dataset(configure_model(S, *options, "81"), "train")


def test_images_without_boxes_are_trained_on_where_it_is_asked_for(configure_model, shapes):
    cfg = configure_model(S, "dataset.dataset", "shapes", "dataset.dataset_path", shapes)
    dataset = build_dataset(cfg, "train")
    assert empty_images_line(cfg, dataset) is None
    first = dataset.records[0]
    dataset.records[0] = replace(first, crowd=~first.crowd)
    assert training_records(cfg, dataset) == dataset.records[1:]
    assert empty_images_line(cfg, dataset) == ("images without boxes: 1 of 6; they are not trained on; "
                                               "TRAIN.USE_EMPTY_IMAGES=true trains on them, as background")
    cfg = configure_model(S, "TRAIN.USE_EMPTY_IMAGES", "true")
    assert training_records(cfg, dataset) == dataset.records
    assert empty_images_line(cfg, dataset) == ("images without boxes: 1 of 6; they are trained on, as background")
    # Images without boxes alone teach nothing.
    dataset.records[:] = dataset.records[:1]
    with pytest.raises(DataError, match="has a box to train on"):
        training_records(cfg, dataset)


def test_a_share_of_the_images(configure_model, shapes):
    options = ["dataset.dataset", "shapes", "dataset.dataset_path", shapes]
    dataset = build_dataset(configure_model(S, *options), "train")
    third, half, other = (training_records(configure_model(S, *options, "TRAIN.SHARE", share, "seed", seed), dataset)
                          for share, seed in ((0.3, 0), (0.5, 0), (0.5, 4)))
    assert (len(third), len(half)) == (2, 3) and set(third) < set(half) != set(other)
    assert half == [record for record in dataset.records if record in half]
    with pytest.raises(ConfigError, match="TRAIN.SHARE must be above 0 and at most 1"):
        configure_model(S, "TRAIN.SHARE", 0)
