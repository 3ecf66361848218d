"""Names of classes: those of COCO and Pascal VOC in the order of their ids, and those that a caller chooses.

Background is not among them.
"""
from typing import Any, Callable, Optional, Sequence, Tuple

from ..errors import UsageError
from .assembling.meaning import as_class_name

# COCO's 80 categories, by ascending category id (the ids have gaps: the last is 90).
COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush")

# Pascal VOC's 20 classes, in alphabetical order.
VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor")

# What YAML takes for yes and no where it is not in quotes.
_YAML_WORDS = {True: ("true", "yes", "on"), False: ("false", "no", "off")}


def chosen_class_names(classes: Optional[Sequence[Any]], find_classes: Callable[[], Sequence[str]]) -> Tuple[str, ...]:
    """Returns the names of classes as texts.

    Args:
        classes: as the caller names them; numbers stand for their text, and a truth value for the one class of the
            data set that YAML would read as it, such as "no". None and nothing take those of the data set.
        find_classes: returns the names of the data set's classes.

    Raises:
        UsageError: one is no name, or named twice.
    """
    if not classes:
        return tuple(find_classes())
    if isinstance(classes, str):
        raise UsageError(f"classes are a list of names, not the text {classes!r}")
    names = tuple(_class_of_truth_value(one, find_classes()) if isinstance(one, bool) else as_class_name(one)
                  for one in classes)
    for position, name in enumerate(names):
        if name is None:
            raise UsageError(f"classes: {classes[position]!r} is no name of a class")
        if name in names[:position]:
            raise UsageError(f"classes: {name!r} is named twice")
    return names


def _class_of_truth_value(value: bool, known: Sequence[str]) -> str:
    fitting = [name for name in known if name.lower() in _YAML_WORDS[value]]
    if len(fitting) != 1:
        raise UsageError(f"classes: {value!r} is no name of a class; put names that YAML reads as yes or no in quotes, "
                         'such as "no"')
    return fitting[0]
