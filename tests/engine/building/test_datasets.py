"""Data sets of a configuration: the test set must have the classes that are trained, and something to train on."""
from dataclasses import replace

import pytest

from light_head_rcnn.engine.building.datasets import (
    build_dataset,
    build_test_set,
    empty_images_line,
    training_records,
)
from light_head_rcnn.errors import ConfigError, DataError

S = "light_head_rcnn_xception_coco"


def test_a_test_set_has_the_classes_of_the_training_set(configure_model, shapes, renamed):
    options = ["dataset.dataset", "shapes", "dataset.image_set", "train", "dataset.test_image_set", "val"]
    cfg = configure_model(S, *options, "dataset.dataset_path", shapes)
    train = build_dataset(cfg, "train")
    assert len(build_test_set(cfg, train.classes).records) == 2
    cfg = configure_model(S, *options, "dataset.dataset_path", renamed)
    message = "the sets have different classes: {} in train, blob.* in val; name them".format(", ".join(train.classes))
    with pytest.raises(ConfigError, match=message):
        build_test_set(cfg, train.classes)
    assert build_test_set(configure_model(S, "dataset.test_image_set", ""), train.classes) is None


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
