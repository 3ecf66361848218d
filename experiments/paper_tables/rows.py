"""Which rows each of the paper's tables has, and the configuration of each."""
from pathlib import Path
from typing import NamedTuple

from ...errors import UsageError
from ...engine.config import load_config

CFGS = Path(__file__).resolve().parents[1] / "cfgs" / "paper"


class Table(NamedTuple):
    """A table: its title, what it shows, and the names of its rows, each that of a file in `CFGS`."""

    title: str
    question: str
    rows: tuple


# What the paper calls each row.
ROWS = {
    "b1": "B1, R-FCN as published",
    "b2": "B2: 800/1200, five anchor scales, box loss doubled, 256 hardest RoIs",
    "thin_psroi_pool": "B2 with a thin 1x1 map of 490 channels, PSRoI pooling",
    "thin_roi_pool": "thin 1x1 map, RoI pooling",
    "large_separable": "thin map by the large separable convolution",
    "hidden_fc": "with the hidden layer of 2048: Light-Head R-CNN",
    "psroi_align": "with PS-RoIAlign, average of the samples",
    "psroi_align_max": "with PS-RoIAlign, maximum of the samples",
    "nms_50": "with NMS 0.5 at test",
    "multi_scale_train": "with multi-scale training",
    "multi_scale_test": "with multi-scale testing",
    "multi_scale_flip_test": "with multi-scale testing and flips",
    "soft_nms": "with soft-NMS at test",
    "rfcn_600": "R-FCN, 600/1000",
    "faster_rcnn_2fc": "Faster R-CNN, two-fc head, RoIAlign, 600/1000",
    "fpn": "Light-Head R-CNN on a feature pyramid",
    "s_800": "Light-Head R-CNN S, 800/1200",
    "s_700": "Light-Head R-CNN S, 700/1100",
    "l_resnet50": "setting L on ResNet-50",
    "s_resnet50": "setting S on ResNet-50",
    "voc_l": "setting L on VOC 07+12",
    "voc_s": "setting S on VOC 07+12",
}

TABLES = {
    1: Table("Baselines", "What do better training and larger images make of R-FCN?", ("b1", "b2")),
    2: Table("Thin feature maps", "What does a map of 490 channels cost in place of one a class and bin?",
             ("b2", "thin_psroi_pool", "thin_roi_pool")),
    3: Table("Large separable convolution", "What does a large kernel bring to the thin map?",
             ("thin_psroi_pool", "large_separable")),
    4: Table("R-CNN subnet", "What does the hidden layer bring?", ("b2", "large_separable", "hidden_fc")),
    5: Table("Improvements", "What do aligned pooling, NMS 0.5, several scales and soft-NMS bring?",
             ("hidden_fc", "psroi_align", "psroi_align_max", "nms_50", "multi_scale_train", "multi_scale_test",
              "multi_scale_flip_test", "soft_nms")),
    6: Table("Accuracy beside other detectors", "How accurate is setting L?",
             ("rfcn_600", "faster_rcnn_2fc", "nms_50", "multi_scale_train", "fpn")),
    7: Table("The Xception-like backbone", "Does the backbone of setting S have the paper's 145M multiply-adds?", ()),
    8: Table("Speed beside other detectors", "How fast is setting S?", ("rfcn_600", "nms_50", "s_800", "s_700")),
}
MORE = Table("Beyond the paper", "ResNet-50 backbones and VOC, which users of the originals ask for.",
             ("l_resnet50", "s_resnet50", "voc_l", "voc_s"))
# The steps of the ablation, in the paper's order.
CHAIN = ("b1", "b2", "thin_psroi_pool", "thin_roi_pool", "large_separable", "hidden_fc", "psroi_align",
         "psroi_align_max", "nms_50", "multi_scale_train", "multi_scale_test", "multi_scale_flip_test", "soft_nms")
# What is trained at a smaller scale, where all rows share one backbone and one schedule: those that still differ then.
SMALL = CHAIN + ("faster_rcnn_2fc", "fpn")


def table_keys(text):
    """Keys of `TABLES`, and "more", for what --table says: 1 to 8, more or all."""
    known = list(map(str, TABLES)) + ["more"]
    if text == "all":
        return list(TABLES) + ["more"]
    if text not in known:
        raise UsageError("--table is %r; known: %s, all" % (text, ", ".join(known)))
    return [text if text == "more" else int(text)]


def table_of(key):
    """The Table of a key of `table_keys`."""
    return MORE if key == "more" else TABLES[key]


def rows_of(keys):
    """Names of the rows of several tables, each once, in order."""
    return list(dict.fromkeys(name for key in keys for name in table_of(key).rows))


def row_file(name, folder=CFGS):
    """The YAML file of a row; UsageError where it is not there."""
    path = Path(folder) / (name + ".yaml")
    if not path.is_file():
        raise UsageError("row %s: there is no configuration %s" % (name, path))
    return path


def row_config(name, overrides=(), folder=CFGS):
    """The configuration of a row at the paper's scale."""
    return load_config(row_file(name, folder), overrides)
