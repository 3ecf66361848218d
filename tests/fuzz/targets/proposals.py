"""Files of proposals."""
import io
import json
from pathlib import Path
from typing import Dict, List

import numpy as np
from target import Target

_BOXES = np.array([[1, 2, 9, 9], [3, 3, 20, 25]], np.float32)


def _json() -> List[bytes]:
    rows = _BOXES.tolist()
    return [json.dumps(one).encode() for one in (
        {"a.png": rows, "b.png": {"boxes": rows, "scores": [0.5, 0.25]}}, [{"image": "a.png", "boxes": rows}],
        [{"image_id": 1, "bbox": [1, 2, 9, 9], "score": 0.5}, {"image_id": 2, "bbox": [1, 2, 9, 9]}])]


def _npz() -> List[bytes]:
    own, plain, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    arrays = dict(images=np.array(["a.png", "b.png"]), counts=np.array([1, 1]), boxes=_BOXES, method=np.array("x"),
                  settings=np.array("{}"), frame_sizes=np.array([[40, 30]] * 2), scores=np.ones(2, np.float32))
    np.savez(own, **arrays)
    np.savez_compressed(packed, **arrays)
    np.savez(plain, **{"a.png": _BOXES, "b.png": np.zeros((0, 4))})
    return [own.getvalue(), plain.getvalue(), packed.getvalue()]


def _mat() -> List[bytes]:
    from scipy.io import savemat
    stream = io.BytesIO()
    boxes, images = np.empty((1, 2), object), np.empty((2, 1), object)
    boxes[0, 0], boxes[0, 1] = _BOXES, np.zeros((0, 4))
    images[0, 0], images[1, 0] = "a", "b"
    savemat(stream, {"boxes": boxes, "images": images})
    packed = io.BytesIO()
    savemat(packed, {"boxes": boxes, "images": images}, do_compression=True)
    return [stream.getvalue(), packed.getvalue()]


def _read(folder: Path) -> object:
    from light_head_rcnn.data.proposals.npz_files import describe_npz
    from light_head_rcnn.data.proposals.reading import read_proposals
    from light_head_rcnn.errors import DataError
    path = next(folder.glob("proposals.*"))
    if path.suffix == ".npz":
        try:
            describe_npz(str(path))
        except DataError as error:
            assert str(path) in str(error)
    return sum(len(entry.boxes) for entry in read_proposals(path))


def _read_into_set(folder: Path) -> object:
    """Reads them for the records of a data set."""
    from light_head_rcnn import data
    from light_head_rcnn.data.proposals import load_proposals
    dataset = data.load_dataset("coco", str(folder / "set"), "train")
    return load_proposals(folder / "given.json", dataset.records)


TARGETS: Dict[str, Target] = {"proposals_json": Target("proposals.json", _json, _read),
                              "proposals_npz": Target("proposals.npz", _npz, _read),
                              "proposals_mat": Target("proposals.mat", _mat, _read)}
