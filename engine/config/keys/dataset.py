"""Configuration keys of the section `dataset`."""
from ..bounds import NOT_NEGATIVE
from ..key import Key
from ..kinds import INT, NAMES, TEXT, word

KEYS = (
    Key("dataset.NUM_CLASSES", 0, INT,
        "Number of classes, background included. 0 takes the number from the data set; any other number must equal it.",
        NOT_NEGATIVE),
    Key("dataset.dataset", "coco", TEXT,
        "Layout of the data set: coco, voc (also PascalVOC, as the MXNet original writes it), the generated sets "
        "shapes and shapes_hard, or a name that `register_dataset` was given. Upper and lower case do not matter."),
    Key("dataset.dataset_path", "./data/coco", TEXT,
        "Folder of the data set.",
        free_on_resume=True),
    Key("dataset.image_set", "train2014+val2014", TEXT,
        "Part of the data set to train on; + joins several."),
    Key("dataset.root_path", "./data", TEXT,
        "Folder in which the MXNet original caches annotations. This package caches none.",
        free_on_resume=True, unread=True),
    Key("dataset.test_image_set", "test-dev2015", TEXT,
        "Part of the data set to test on; + joins several. Empty for no test after a training.",
        free_on_resume=True),
    Key("dataset.proposal", "rpn", TEXT,
        "Where proposals come from. Here they always come from the model's own RPN.",
        implemented=("rpn",)),
    Key("dataset.classes", (), NAMES,
        "Names of the classes to detect, without background. Empty takes those of the annotation file (COCO layout) or "
        "the twenty classes of Pascal VOC (VOC layout)."),
    Key("dataset.ON_ERROR", "raise", word("raise", "skip"),
        "What happens to broken images and annotations: raise stops with an error that names the file and the entry; "
        "skip leaves them out and counts them."),
)
