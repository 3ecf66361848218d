"""The rows of each of the paper's tables, and the configuration of each row."""
from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple, Union

from yacs.config import CfgNode

from ...engine.config import load_config
from ...errors import UsageError

CFGS = Path(__file__).resolve().parents[1] / "cfgs" / "paper"
# What tables are called by: the paper's number, or "more".
TableKey = Union[int, str]


class Table(NamedTuple):
    """A table.

    Attributes:
        title: its title.
        question: what it shows.
        rows: the names of its rows, each that of a YAML file in `CFGS`.
    """

    title: str
    question: str
    rows: Tuple[str, ...]


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
    2: Table("Thin feature maps",
             "What does a map of 490 channels cost, compared with a channel for each class and bin?",
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
MORE = Table("Beyond the paper",
             "ResNet-50 backbones and VOC, which users of the MXNet original and of the TensorFlow original ask for.",
             ("l_resnet50", "s_resnet50", "voc_l", "voc_s"))
# The steps of the ablation, in the paper's order.
ABLATION = ("b1", "b2", "thin_psroi_pool", "thin_roi_pool", "large_separable", "hidden_fc", "psroi_align",
            "psroi_align_max", "nms_50", "multi_scale_train", "multi_scale_test", "multi_scale_flip_test", "soft_nms")
# The rows that are trained at a smaller scale, too: those that still differ with one backbone and one schedule for all.
SMALL = ABLATION + ("faster_rcnn_2fc", "fpn")


def table_keys(text: str) -> List[TableKey]:
    """Returns the keys of the tables that the option --table names: 1 to 8, more or all.

    Raises:
        UsageError: there is no such table.
    """
    known = list(map(str, TABLES)) + ["more"]
    if text == "all":
        return list(TABLES) + ["more"]
    if text not in known:
        raise UsageError(f"--table is {text!r}; known: {', '.join(known)}, all")
    return [text if text == "more" else int(text)]


def table_of(key: TableKey) -> Table:
    """Returns the Table of a key of `table_keys`."""
    return MORE if key == "more" else TABLES[key]


def rows_of(keys: Sequence[TableKey]) -> List[str]:
    """Returns the names of the rows of several tables, each once, in order."""
    return list(dict.fromkeys(name for key in keys for name in table_of(key).rows))


def row_file(name: str) -> Path:
    """Returns the YAML file of a row.

    Raises:
        UsageError: there is no such file.
    """
    path = CFGS / f"{name}.yaml"
    if not path.is_file():
        raise UsageError(f"row {name}: there is no configuration {path}")
    return path


def row_config(name: str, overrides: Sequence[str] = ()) -> CfgNode:
    """Returns the configuration of a row at the paper's scale.

    Args:
        name: of the row.
        overrides: words KEY VALUE or KEY=VALUE, laid over its file.
    """
    return load_config(row_file(name), overrides)
