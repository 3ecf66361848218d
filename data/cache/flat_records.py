"""Records as a few long arrays: each field of all images behind one another, from which records are cut as views."""
from itertools import accumulate
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

import numpy as np

from ..record import Record

# Data type and columns (0: one number a row) of the arrays of a record: those with a row for each object, and regions.
_OF_OBJECTS: Dict[str, Tuple[Any, int]] = {
    "boxes": (np.float32, 4), "classes": (np.int32, 0), "difficult": (bool, 0), "crowd": (bool, 0),
    "areas": (np.float64, 0), "ignored": (bool, 0), "coco_boxes": (np.float64, 4)}
_OF_REGIONS: Dict[str, Tuple[Any, int]] = {"regions": (np.float32, 4)}


def flatten_records(records: Sequence[Record]) -> Dict[str, np.ndarray]:
    """Turns records into arrays that hold no Python objects.

    Args:
        records: n records, with m objects and k regions all together.

    Returns:
        By name: what `Record` calls "boxes", "classes", "difficult", "crowd", "areas", "ignored", "coco_boxes" with m
        rows, "regions" with k rows, "width", "height" and "upright" of length n; "objects_of_image" and
        "regions_of_image", int64 (n,), numbers of rows; "id_is_text", bool (n,); the ids and the paths as texts, see
        `join_texts`, in "ids", "id_lengths", "paths" and "path_lengths".

    Raises:
        TypeError, ValueError: an image id is neither an int nor a str, or an array has another data type or shape than
            `Record` says.
    """
    arrays: Dict[str, np.ndarray] = {}
    for fields, rows in ((_OF_OBJECTS, "objects_of_image"), (_OF_REGIONS, "regions_of_image")):
        first, *others = fields
        arrays[rows] = np.fromiter((len(getattr(r, first)) for r in records), np.int64, len(records))
        for name, (dtype, columns) in fields.items():
            arrays[name] = _join_arrays([getattr(record, name) for record in records], name, dtype, columns,
                                        arrays[rows])
    for name, dtype in (("width", np.int64), ("height", np.int64), ("upright", bool)):
        arrays[name] = np.array([getattr(record, name) for record in records], dtype)
    wrong = [record.image_id for record in records if type(record.image_id) not in (int, str)]
    if wrong:
        raise TypeError(f"an image id is {wrong[0]!r}, which is neither an int nor a str")
    arrays["id_is_text"] = np.array([type(record.image_id) is str for record in records], bool)
    arrays["ids"], arrays["id_lengths"] = join_texts([str(record.image_id) for record in records])
    arrays["paths"], arrays["path_lengths"] = join_texts([record.path for record in records])
    return arrays


def cut_records(arrays: Mapping[str, np.ndarray]) -> List[Record]:
    """Returns the records of what `flatten_records` returned; their arrays are views of the long ones.

    Raises:
        ValueError: the arrays do not belong together.
        KeyError: one is missing.
    """
    count = len(arrays["width"])
    cut = {}
    for fields, rows in ((_OF_OBJECTS, "objects_of_image"), (_OF_REGIONS, "regions_of_image")):
        lengths = _check_array(arrays, rows, np.int64, 0, count)
        if count and lengths.min() < 0:
            raise ValueError(f"{rows} has a number below 0")
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if count else 0
        slices = [slice(start, end) for start, end in zip((ends - lengths).tolist(), ends.tolist())]
        for name, (dtype, columns) in fields.items():
            array = _check_array(arrays, name, dtype, columns, total)
            cut[name] = [array[one] for one in slices]
    plain = {name: _check_array(arrays, name, dtype, 0, count).tolist()
             for name, dtype in (("width", np.int64), ("height", np.int64), ("upright", bool), ("id_is_text", bool))}
    ids = [text if is_text else int(text)
           for text, is_text in zip(split_texts(arrays["ids"], arrays["id_lengths"], count), plain.pop("id_is_text"))]
    fields = {"image_id": ids, "path": split_texts(arrays["paths"], arrays["path_lengths"], count), **plain, **cut}
    names = list(fields)
    return [Record(**dict(zip(names, values))) for values in zip(*fields.values())]


def join_texts(texts: Iterable[str]) -> Tuple[np.ndarray, np.ndarray]:
    """Joins texts, whatever characters they hold.

    Returns:
        joined: uint8, the bytes of all texts in UTF-8, in which file names that are not Unicode stay as they are.
        lengths: int64, number of characters of each text.
    """
    texts = list(texts)
    joined = np.frombuffer("".join(texts).encode("utf-8", "surrogatepass"), np.uint8)
    return joined, np.fromiter(map(len, texts), np.int64, len(texts))


def split_texts(joined: np.ndarray, lengths: np.ndarray, count: int) -> List[str]:
    """Returns the `count` texts that `join_texts` joined; ValueError where the two arrays do not belong together."""
    text = joined.astype(np.uint8, casting="safe").tobytes().decode("utf-8", "surrogatepass")
    sizes = lengths.tolist()
    if len(sizes) != count or sum(sizes) != len(text) or min(sizes, default=0) < 0:
        raise ValueError(f"{len(text)} characters are not those of {count} texts")
    ends = list(accumulate(sizes))
    return [text[end - size:end] for size, end in zip(sizes, ends)]


def _join_arrays(arrays: List[np.ndarray], name: str, dtype: Any, columns: int, rows: np.ndarray) -> np.ndarray:
    shape = (columns,) if columns else ()
    joined = np.concatenate(arrays) if arrays else np.zeros((0, *shape), dtype)
    if joined.dtype != dtype or joined.shape[1:] != shape or list(map(len, arrays)) != rows.tolist():
        raise TypeError(f"{name} of the records is {joined.dtype} {joined.shape}, not {np.dtype(dtype)} "
                        f"{(rows.sum(), *shape)}")
    return joined


def _check_array(arrays: Mapping[str, np.ndarray], name: str, dtype: Any, columns: int, rows: int) -> np.ndarray:
    """Returns an array by its name; ValueError where it has another data type or shape."""
    array = arrays[name]
    if array.dtype != dtype or array.shape != ((rows, columns) if columns else (rows,)):
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} with {rows} rows")
    return array
