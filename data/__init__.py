"""Data: readers that yield the same records, the embedded set Shapes, and what turns records into batches."""
from .class_names import COCO_CLASSES, VOC_CLASSES
from .coco import CocoDataset
from .loader import TestLoader, TrainLoader
from .records import DataError, Dataset, Record, read_image, targets_of, with_targets
from .sampler import Draw, TrainSampler
from .shapes import SHAPES_CLASSES, STYLES, ensure_shapes, write_shapes
from .transforms import pad_batch, resize_scale, to_network
from .voc import VocDataset

KINDS = ("coco", "voc") + tuple(STYLES)

__all__ = [
    "COCO_CLASSES",
    "KINDS",
    "SHAPES_CLASSES",
    "VOC_CLASSES",
    "CocoDataset",
    "DataError",
    "Dataset",
    "Draw",
    "Record",
    "TestLoader",
    "TrainLoader",
    "TrainSampler",
    "VocDataset",
    "ensure_shapes",
    "load_dataset",
    "pad_batch",
    "read_image",
    "resize_scale",
    "targets_of",
    "to_network",
    "with_targets",
    "write_shapes",
]


def load_dataset(kind, path, image_set, classes=None, on_error="raise", with_labels=True):
    """Read a data set into records.

    Parameters
    ----------
    kind : "coco", "voc", "shapes" or "shapes_hard". Shapes are COCO layout, written to `path` on first use.
    path : root folder of the data set (layouts: see :mod:`.coco` and :mod:`.voc`).
    image_set : name of the set, such as "train2017"; several are joined with "+", such as "train+val".
    classes : names of the foreground classes in the order of the class ids. None takes the categories of the
        annotation file (COCO) or the 20 classes of VOC.
    on_error : "raise" stops at the first broken entry; "skip" leaves such entries out and counts them
        (`dataset.skipped`, `dataset.summary()`). To know them, "skip" decodes every image once.
    with_labels : False for a set that has images but no boxes.

    Returns
    -------
    CocoDataset or VocDataset

    Raises
    ------
    DataError : names the file and the entry that is broken.
    """
    if kind not in KINDS:
        raise DataError("unknown kind of data set {!r}; known: {}".format(kind, ", ".join(KINDS)))
    if kind in STYLES:
        ensure_shapes(path, STYLES[kind])
    reader = VocDataset if kind == "voc" else CocoDataset
    return reader(path, image_set, classes=classes, on_error=on_error, with_labels=with_labels)
