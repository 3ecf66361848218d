"""A set of images that each have one class, whatever files they are in."""
import hashlib
import os
from typing import List, NamedTuple, Sequence, Tuple

from ...errors import DataError

_MOST = 5  # classes that an error names


class ClassifiedImage(NamedTuple):
    """An image and its class.

    Attributes:
        path: the image file, or the file of records.
        key: number of the record; -1 for an image file.
        label: position in the list of classes.
    """

    path: str
    key: int
    label: int

    @property
    def name(self) -> str:
        """How messages call the image."""
        return self.path if self.key < 0 else f"{self.path}, record {self.key}"


class ClassifiedSet(NamedTuple):
    """Images and the names of their classes.

    Attributes:
        source: the folder or file that was read.
        classes: names of the classes.
        images: in the order of the classes, or of the records.
        passed_over: number of files that are not called like images.
        named: whether the names of the classes were given; otherwise they are the numbers in a file of records.
    """

    source: str
    classes: Tuple[str, ...]
    images: Sequence[ClassifiedImage]
    passed_over: int = 0
    named: bool = True

    def counts(self) -> List[int]:
        """Returns the number of images of each class."""
        counts = [0] * len(self.classes)
        for image in self.images:
            counts[image.label] += 1
        return counts

    def fingerprint(self) -> str:
        """Returns a checksum of the names and the classes of the images, which does not depend on the folder."""
        digest = hashlib.sha256()
        for image in self.images:
            name = image.path[len(self.source):].lstrip(os.sep) if image.path.startswith(self.source) else image.path
            digest.update(f"{name}\0{image.key}\0{image.label}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def summary(self) -> str:
        """Returns a line that says how many images and classes there are."""
        counts = self.counts()
        more = f"; {self.passed_over} files that are no images are passed over" if self.passed_over else ""
        return (f"{self.source}: {len(self.images)} images of {len(self.classes)} classes, from {min(counts)} to "
                f"{max(counts)} of a class{more}")


def matched_sets(train: ClassifiedSet, test: ClassifiedSet) -> Tuple[ClassifiedSet, ClassifiedSet]:
    """Checks that two sets have the same classes.

    Where the classes are numbers, the set that lacks the last ones gets them; a class without test images is no fault.

    Args:
        train: the set to train on.
        test: the set to test on.

    Returns:
        The sets, with the same `classes`.

    Raises:
        DataError: the classes differ; the message names those that one set lacks.
    """
    if not train.named and not test.named:
        classes = max(train.classes, test.classes, key=len)
        return train._replace(classes=classes), test._replace(classes=classes)
    if train.classes != test.classes:
        lines = [f"  only in {one.source}: {_listed([name for name in one.classes if name not in other.classes])}"
                 for one, other in ((train, test), (test, train)) if set(one.classes) - set(other.classes)]
        raise DataError("the set to train on and the set to test on have different classes:\n"
                        + ("\n".join(lines) or "  they are in another order")
                        + "\nEvery class needs a folder, or a line, of the same name in both")
    return train, test


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
