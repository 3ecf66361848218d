"""Which image file each entry of an annotation file means, and in which frame its boxes are."""
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from ...errors import DataError
from ..files.file_names import ImageIndex
from ..pictures.headers import Header, read_headers
from ..pictures.pillow import MAX_MEGAPIXELS
from .faults import FaultLog
from .meaning import as_number
from .raw import RawImage, RawObject, RawSet

_SAME_ASPECT = 0.02  # how far the scales of width and height may be apart in an image that was resized
_LARGEST_SIDE = 1e9  # in pixels; what an entry states beyond is no size of an image
_PROGRESS_FROM = 5000  # so many images take long enough to show a progress bar


class PlacedImage(NamedTuple):
    """An image whose file can be used.

    Attributes:
        raw: its entry.
        path: its file.
        width, height, upright: see `Record`.
        left_out: objects of other entries of the same file, which were left out.
        scale: factors of x and y by which boxes are to be scaled.
    """

    raw: RawImage
    path: str
    width: int
    height: int
    upright: bool
    left_out: Sequence[RawObject]
    scale: Tuple[float, float] = (1., 1.)


def place_images(raw: RawSet, log: FaultLog, max_megapixels: float = MAX_MEGAPIXELS) -> List[PlacedImage]:
    """Finds the files of all images of a set and reads their headers; reports what cannot be used.

    Args:
        raw: the set.
        log: where faults are reported.
        max_megapixels: limit for the number of pixels of an image, in millions.

    Raises:
        DataError: an image has a fault of a kind that is an error, or half of the images or more cannot be found or
            read, which no policy lets pass: the folder is a wrong one.
    """
    images = list(raw.images)
    index = ImageIndex(raw.image_folders)
    files = _find_files(images, index)
    paths = [file for file in files if isinstance(file, str)]
    header_of = dict(zip(paths, read_headers(paths, progress=len(paths) >= _PROGRESS_FROM,
                                             max_megapixels=max_megapixels)))
    found = [file if isinstance(file, DataError) else header_of[file] for file in files]
    _refuse_wrong_folder(images, found, index)
    for kind, message in raw.faults:
        log.report(kind, message)
    common = _common_frame(images, found)
    placed: Dict[str, Optional[PlacedImage]] = {}  # by the path, None for images that are left out
    for image, file, header in zip(images, files, found):
        if image.fault is not None:
            log.report(*image.fault)
        elif isinstance(header, DataError):
            log.report(header.kind, f"{image.where}: {header}")
        elif file in placed:
            action = log.report("image_listed_twice", f"{image.where}: its file {file} is that of an entry before it")
            if placed[file] is not None:
                placed[file] = _with_more_objects(placed[file], image.objects, action == "keep")
        else:
            placed[file] = _place(image, file, header, common, log)
    if raw.counted_folder is not None:
        for path in index.unused(raw.counted_folder, paths):
            log.report("image_without_entry", f"{path}: the image file has no entry in the annotations")
    return [image for image in placed.values() if image is not None]


def _find_files(images: Sequence[RawImage], index: ImageIndex) -> List[Union[str, DataError]]:
    """Returns the path of each image's file, or the error that says why there is none."""
    files = [_find(index, image.name) for image in images]
    taken = None
    for position, image in enumerate(images):
        if image.other_name and isinstance(files[position], DataError):
            taken = {file for file in files if isinstance(file, str)} if taken is None else taken
            other = _find(index, image.other_name)
            if isinstance(other, str) and other not in taken:
                files[position] = other
    return files


def _find(index: ImageIndex, name: str) -> Union[str, DataError]:
    try:
        return os.path.normpath(index.find(name))
    except DataError as error:
        if error.kind not in ("image_missing", "image_ambiguous"):  # a folder cannot be listed
            raise
        return error


def _refuse_wrong_folder(images: Sequence[RawImage], found: Sequence[Union[Header, DataError]], index: ImageIndex,
                         ) -> None:
    """Raises DataError if half of the images or more, and more than one, have no file that can be read."""
    broken = [(image, error) for image, error in zip(images, found)
              if image.fault is None and isinstance(error, DataError)
              and error.kind in ("image_missing", "image_unreadable")]
    named = sum(image.fault is None for image in images)
    if len(broken) < 2 or 2 * len(broken) < named:
        return
    missing = sum(error.kind == "image_missing" for _, error in broken)
    examples = "".join(f"\n  {image.where}: {error}" for image, error in broken[:3])
    raise DataError(
        f"{len(broken)} of {named} images cannot be used ({missing} were not found, {len(broken) - missing} cannot be "
        f"read). They were looked for in {', '.join(index.folders)}; if they lie elsewhere, name their folder "
        "(--image-root for lhrcnn data, dataset.image_root in a configuration, in a program image_root=...). The "
        f"first:{examples}", broken[0][1].kind)


def _with_more_objects(placed: PlacedImage, objects: Sequence[RawObject], keep: bool) -> PlacedImage:
    """Adds the objects of a second entry, but those that the first has too, to those of the image or those left out."""
    known = [(one.label, one.box) for one in placed.raw.objects]
    new = [one for one in objects if (one.label, one.box) not in known]
    if keep:
        return placed._replace(raw=placed.raw._replace(objects=[*placed.raw.objects, *new]))
    return placed._replace(left_out=[*placed.left_out, *new])


def _place(image: RawImage, path: str, header: Header, common: Optional[bool], log: FaultLog,
           ) -> Optional[PlacedImage]:
    """Decides on the frame of an image's boxes; None if it is to be left out.

    Args:
        image: its entry.
        path, header: of its file.
        common: what all images of the set that can be decided on have in common, see `_labelled_as_shown`; else None.
        log: where faults are reported.
    """
    stored, shown = (header.width, header.height), header.upright_size
    stated = _stated_size(image)
    decided = _labelled_as_shown(image, header)
    upright = (common if decided is None else decided) is not False
    undecided = decided is None and common is None and bool(image.objects)
    differs = stated is not None and stated not in (stored, shown)
    actions = []
    if header.truncated:
        actions.append(log.report("image_truncated", f"{image.where}: {path} is cut off"))
    if differs:
        frame = shown if upright else stored
        scale = frame[0] / stated[0], frame[1] / stated[1]
        resized = "; it seems to have been resized after it was labelled: the action scale scales its boxes" \
            if _has_aspect(frame, stated) else ""
        actions.append(log.report("size_differs", f"{image.where}: {path} has {frame[0]} x {frame[1]} pixels, stated "
                                                  f"are {stated[0]:g} x {stated[1]:g}{resized}"))
    if undecided:
        actions.append(log.report("orientation_undecided",
                                  f"{image.where}: {path} has EXIF orientation {header.orientation}"))
    if "drop" in actions:
        return None
    return PlacedImage(image, path, *(shown if upright else stored), upright, (),
                       scale if "scale" in actions else (1., 1.))


def _labelled_as_shown(image: RawImage, header: Header) -> Optional[bool]:
    """Returns whether an image was labelled as viewers show it (True) or as it is stored (False); None if unknown.

    Only the stated size, or else its aspect, tells.
    """
    if header.orientation == 1:
        return True
    stored, shown, stated = (header.width, header.height), header.upright_size, _stated_size(image)
    if stated is None:
        return None
    fits = [size == stated if stated in (stored, shown) else _has_aspect(size, stated) for size in (shown, stored)]
    return fits[0] if fits[0] != fits[1] else None


def _common_frame(images: Sequence[RawImage], found: Sequence[Union[Header, DataError]]) -> Optional[bool]:
    """Returns what `_labelled_as_shown` says of all images of a set that it decides on; None where it says both."""
    answers = {_labelled_as_shown(image, header) for image, header in zip(images, found)
               if image.fault is None and isinstance(header, Header) and header.orientation != 1} - {None}
    return answers.pop() if len(answers) == 1 else None


def _has_aspect(size: Tuple[int, int], stated: Tuple[float, float]) -> bool:
    """Returns whether a size is a multiple of the stated one, but for rounding."""
    return abs(size[0] / stated[0] / (size[1] / stated[1]) - 1) < _SAME_ASPECT


def _stated_size(image: RawImage) -> Optional[Tuple[float, float]]:
    """Returns the width and height that an entry states, or None if they are not two positive numbers."""
    size = _positive(image.width), _positive(image.height)
    return None if None in size else size


def _positive(value: Any) -> Optional[float]:
    if type(value) is int and 0 < value < _LARGEST_SIDE:  # nearly all
        return value
    try:
        number = as_number(value)
    except DataError:
        return None
    return number if 0 < number < _LARGEST_SIDE else None
