"""Configuration keys of the section `dataset`."""
from ....data import KINDS, MAX_MEGAPIXELS
from ..bounds import NOT_NEGATIVE, POSITIVE
from ..key import Key
from ..kinds import FAULTS, FLOAT, INT, NAMES, TEXT

KEYS = (
    Key("dataset.NUM_CLASSES", 0, INT,
        "Number of classes, background included. 0 takes the number from the data set; any other number must equal it.",
        NOT_NEGATIVE),
    Key("dataset.dataset", "auto", TEXT,
        "Layout of the data set. auto finds out what the folder is; coco, voc (also PascalVOC, as the MXNet original "
        "writes it), yolo, cvat, labelme, via, createml, labelstudio, supervisely, bdd100k, kitti, visdrone, "
        "widerface, openimages and csv read annotations of one layout, for folders that have several; shapes and "
        "shapes_hard are generated sets; others are names that `register_dataset` was given. Upper and lower case do "
        "not matter."),
    Key("dataset.dataset_path", "./data/coco", TEXT,
        "Folder of the data set, or a single annotation file.",
        free_on_resume=True),
    Key("dataset.image_root", "", TEXT,
        "Folder of the images, where they do not lie with the annotations; absolute, or relative to the folder of the "
        "data set. Empty to look for them.",
        free_on_resume=True),
    Key("dataset.train", "", TEXT,
        "Annotation file, list of images or folder from which the image set train is taken; absolute, or relative to "
        "the folder of the data set. Empty for what is found there."),
    Key("dataset.val", "", TEXT,
        "The same for the image set val.",
        free_on_resume=True),
    Key("dataset.test", "", TEXT,
        "The same for the image set test.",
        free_on_resume=True),
    Key("dataset.image_set", "train", TEXT,
        "Part of the data set to train on; + joins several. Where the layout is found out, the parts are train, val "
        "and test whatever the folder calls them, or all where it has no parts; the names of the folder are "
        "understood, too."),
    Key("dataset.root_path", "./data", TEXT,
        "Folder in which the MXNet original caches annotations. This package caches none.",
        free_on_resume=True, unread=True),
    Key("dataset.test_image_set", "val", TEXT,
        "Part of the data set to test on; + joins several. Empty for no test after a training.",
        free_on_resume=True),
    Key("dataset.proposal", "rpn", TEXT,
        "Where proposals come from: rpn, the model's own RPN, or file, files made before, which Fast R-CNN takes.",
        implemented=("rpn", "file")),
    Key("dataset.proposal_files", (), NAMES,
        "With `dataset.proposal` file: the files of proposals, which together have an entry of every image that is "
        "trained or tested on. `lhrcnn proposals` makes them; docs/fast-rcnn/proposals.md says what else is read.",
        free_on_resume=True),
    Key("dataset.classes", (), NAMES,
        "Names of the classes to detect, without background. Empty takes those of the data set. Classes that it does "
        "not have are not measured, and objects of classes that are not named are not seen."),
    Key("dataset.ON_ERROR", "default", FAULTS,
        "What is done about faults in images and annotations. default does what people expect of each kind of fault; "
        "raise stops at the first that would leave something out; skip leaves out what default makes an error; "
        "{KIND: ACTION, ...} says it by kind, as in {image_missing: error, box_over_edge: drop}. Kinds and their "
        "actions, the default first: " + "; ".join(f"{name}: {', '.join(kind.actions)}" for name, kind in KINDS.items())
        + ".",
        free_on_resume=True),
    Key("dataset.MAX_MEGAPIXELS", MAX_MEGAPIXELS, FLOAT,
        "Limit for the number of pixels of an image, in millions. Larger ones are a fault of a data set, and detectors "
        "refuse them.",
        POSITIVE, free_on_resume=True),
)
