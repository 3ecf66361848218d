"""Images that are made smaller when a data set is packed, and what becomes of their boxes."""
import os
from io import BytesIO
from typing import Dict, Mapping, Sequence, Tuple

import numpy as np
from PIL import Image

from ..flat_records import join_texts
from ..pictures.images import read_image
from ..record import Record

_QUALITY = 95  # of the JPEG files


def resized_arrays(arrays: Mapping[str, np.ndarray], paths: Sequence[str], short: int) -> Dict[str, np.ndarray]:
    """Returns the arrays of records whose images have a shorter edge of at most `short` pixels.

    Args:
        arrays: see `flatten_records`.
        paths: the names of the image files; those of images that are resized get the extension .jpg.
        short: in pixels.

    Returns:
        All arrays; boxes and areas of images that are resized are scaled, and those images are upright.
    """
    width, height = arrays["width"], arrays["height"]
    changed = np.minimum(width, height) > short
    new_width, new_height = resized_sides(width, height, short)
    changes = {"width": new_width, "height": new_height, "upright": arrays["upright"] | changed}
    scale = np.stack([new_width / width, new_height / height], axis=1)
    of_objects = np.repeat(scale, arrays["objects_of_image"], axis=0)
    of_regions = np.repeat(scale, arrays["regions_of_image"], axis=0)
    moved = (of_objects != 1).any(axis=1)
    # Boxes have inclusive ends: their edges lie one pixel behind.
    changes["boxes"] = _scaled_corners(arrays["boxes"], of_objects)
    changes["regions"] = _scaled_corners(arrays["regions"], of_regions)
    changes["coco_boxes"] = np.where(moved[:, None], arrays["coco_boxes"] * np.tile(of_objects, 2),
                                     arrays["coco_boxes"])
    changes["areas"] = np.where(moved, arrays["areas"] * of_objects.prod(axis=1), arrays["areas"])
    names = [os.path.splitext(path)[0] + ".jpg" if one else path for path, one in zip(paths, changed.tolist())]
    changes["paths"], changes["path_lengths"] = join_texts(names)
    return {**arrays, **changes}


def resized_sides(width: np.ndarray, height: np.ndarray, short: int) -> Tuple[np.ndarray, np.ndarray]:
    """Returns int64 (n,), (n,): widths and heights with the shorter one at most `short`, the aspect kept."""
    factor = np.minimum(short / np.minimum(width, height), 1.0)
    return tuple(np.where(factor < 1, np.maximum(np.round(side * factor), 1), side).astype(np.int64)
                 for side in (width, height))


def resized_file(record: Record, width: int, height: int) -> bytes:
    """Returns the JPEG file of a record's image at another size.

    Raises:
        DataError: the image cannot be read.
    """
    image = Image.fromarray(read_image(record)).resize((width, height), Image.LANCZOS)
    content = BytesIO()
    image.save(content, "JPEG", quality=_QUALITY, subsampling=0)
    return content.getvalue()


def _scaled_corners(boxes: np.ndarray, scale: np.ndarray) -> np.ndarray:
    moved = (scale != 1).any(axis=1)
    starts = boxes[:, :2].astype(np.float64) * scale
    ends = np.maximum((boxes[:, 2:].astype(np.float64) + 1) * scale - 1, starts)
    return np.where(moved[:, None], np.concatenate([starts, ends], axis=1), boxes).astype(np.float32)
