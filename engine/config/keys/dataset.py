"""Configuration keys of the section `dataset`."""
from ..bounds import NOT_NEGATIVE
from ..key import Key
from ..kinds import INT, NAMES, TEXT, word

KEYS = (
    Key("dataset.NUM_CLASSES", 0, INT,
        "Classes, with background counted as one. 0 takes those of the data set; another number must be right.",
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
        "Folder of the MXNet original's caches of annotations. This package keeps none.",
        free_on_resume=True, unread=True),
    Key("dataset.test_image_set", "test-dev2015", TEXT,
        "Part of the data set to test on; + joins several. Empty for no test after a training.",
        free_on_resume=True),
    Key("dataset.proposal", "rpn", TEXT,
        "Where the MXNet original takes proposals from; here always the model's own RPN.",
        implemented=("rpn",)),
    Key("dataset.classes", (), NAMES,
        "Names of the classes to detect, without background. Empty for those that the annotations name (VOC layout: "
        "VOC's twenty)."),
    Key("dataset.ON_ERROR", "raise", word("raise", "skip"),
        "Broken images and annotations: raise stops with the file and the entry named; skip leaves them out and counts "
        "them."),
)
