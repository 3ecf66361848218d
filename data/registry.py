"""The data sets that can be loaded by name; a program adds its own with `register_dataset`."""
import inspect
import os
from functools import partial
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Union

from ..errors import UsageError
from .assembling.faults import OnError
from .dataset import Dataset
from .files.packed_folders import is_packed

Reader = Callable[..., Dataset]
_READERS: Dict[str, Reader] = {}


def register_dataset(name: str, reader: Optional[Reader] = None) -> Reader:
    """Makes a data set known to `load_dataset`, and so to configurations (`dataset.dataset`), by a name.

    Args:
        name: the new name; upper and lower case are not told apart.
        reader: a subclass of `Dataset`, or any function of (path, image_set, classes=..., on_error=...,
            with_labels=...) that returns a `Dataset`; those arguments are explained at `load_dataset`, whose options it
            is given if it takes some. Without a reader the call is a decorator.

    Returns:
        The reader, unchanged.

    Raises:
        UsageError: the name is taken already.

    Example::

        import glob
        import os
        from light_head_rcnn.data import Annotation, Dataset, image_size, load_dataset, make_record, register_dataset

        @register_dataset("crops")
        class CropDataset(Dataset):
            \"\"\"Images named after what fills them, such as wheat-17.png.\"\"\"

            layout = "crops"

            def read_image_set(self, image_set, with_labels):
                records = []
                for path in sorted(glob.glob(os.path.join(self.path, image_set, "*.png"))):
                    width, height = image_size(path)
                    stem = os.path.basename(path)[:-len(".png")]
                    whole = Annotation((0, 0, width - 1, height - 1), self.classes.index(stem.split("-")[0]))
                    records.append(make_record(stem, path, width, height, [whole] if with_labels else []))
                return records

        dataset = load_dataset("crops", "my_photos", "train", classes=("wheat", "maize"))
    """
    if reader is None:
        return partial(register_dataset, name)
    key = name.lower()
    if key in _READERS:
        raise UsageError(f"the name {name!r} of a data set is taken; names in use: {', '.join(dataset_names())}")
    _READERS[key] = reader
    return reader


def dataset_names() -> Tuple[str, ...]:
    """Returns the names that `load_dataset` knows, in lower case, in the order in which they were registered."""
    return tuple(_READERS)


def load_dataset(name: str, path: Union[str, os.PathLike], image_set: str, classes: Optional[Sequence[str]] = None,
                 on_error: OnError = "default", with_labels: bool = True, **options: Any) -> Dataset:
    """Reads a data set into records.

    Args:
        name: one of `dataset_names()`: "auto" finds out what the folder is; those of `data.finding.LAYOUTS`
            are the layouts of annotations, for folders that have several; "shapes" and "shapes_hard" are drawn by this
            package and written to `path` on first use; others are those that were registered. A packed data set is read
            by any name.
        path: root folder of the data set, or a single annotation file (see `AutoDataset`).
        image_set: name of the image set, such as "train"; "+" joins several, as in "train+val".
        classes: names of the foreground classes in the order of their ids. None takes those of the data set: the
            categories of its annotation files (COCO layout), or the 20 classes of VOC if the set has no others (VOC
            layout). Classes that the set does not have are no fault, and objects of others are not seen.
        on_error: what is done about broken entries, by the kinds of `light_head_rcnn.data.KINDS`: "default" does what
            people expect of each kind; "raise" stops at the first fault that would leave something out; "skip" leaves
            out what "default" makes an error; a mapping such as {"box_over_edge": "error"} says it by kind.
            `dataset.summary()` tells what was found, `dataset.report()` does for programs.
        with_labels: False for an image set that has images but no boxes.
        options: further arguments of the reader, such as `image_root` and `annotations` (see `AutoDataset`) or
            `max_megapixels` (see `Dataset`).

    Returns:
        Dataset, whose `records` hold paths, sizes and boxes; images are decoded when they are needed.

    Raises:
        DataError: an entry is broken in a way that is an error, or a file is missing; the message names the file and
            the entry.
        UsageError: the name is not known, the reader does not take an option, or `on_error` is no policy.

    Example::

        dataset = load_dataset("auto", "My Project.v1i.coco", "train")
        print(dataset.summary())
        pixels = read_image(dataset.records[0])
    """
    reader = _READERS.get(name.lower())
    if reader is not None and is_packed(path):
        reader = _READERS["auto"]
    if reader is None:
        raise UsageError(f"unknown data set {name!r}; known: {', '.join(dataset_names())}; "
                         "register_dataset adds others")
    unknown = [option for option in options if not _takes(reader, option)]
    if unknown:
        raise UsageError(f"the data set {name!r} has no option {unknown[0]!r}")
    return reader(path, image_set, classes=classes, on_error=on_error, with_labels=with_labels, **options)


def _takes(reader: Reader, option: str) -> bool:
    """Returns whether a reader has an argument of this name, or takes any."""
    parameters = inspect.signature(reader).parameters
    return option in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())
