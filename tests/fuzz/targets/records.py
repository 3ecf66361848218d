"""Packed data sets, files of records of images by class, and the bodies that a server is sent."""
import io
import struct
import tempfile
from pathlib import Path
from typing import Dict, List

import numpy as np
from PIL import Image
from target import Target


def _picture() -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


def _pack(folder: Path) -> None:
    from light_head_rcnn import data
    from light_head_rcnn.data.packing.set_packer import PackOptions
    from light_head_rcnn.data.packing.writing import pack_datasets
    if not (folder / "set").exists():
        data.write_shapes(folder / "set", train=2, val=1)
        (folder / "packed").mkdir()
        pack_datasets(str(folder / "packed"), {"train": data.load_dataset("coco", str(folder / "set"), "train")},
                      str(folder / "set"), PackOptions(workers=1))


def _packed(file: str) -> Target:
    def seeds() -> List[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            _pack(Path(folder))
            return [(Path(folder) / "packed" / file).read_bytes()]

    return Target(f"packed/{file}", seeds, _read_packed, _pack)


def _read_packed(folder: Path) -> object:
    from light_head_rcnn import data
    from light_head_rcnn.data.packing.checking import find_damage
    from light_head_rcnn.data.packing.manifest import read_manifest
    find_damage(read_manifest(str(folder / "packed")))
    dataset = data.load_dataset("auto", str(folder / "packed"), "train")
    return [data.read_image(record).shape for record in dataset.records]


def _records() -> List[bytes]:
    parts = []
    for label in (0, 1):
        content = struct.pack("<IfQQ", 0, label, label, 0) + _picture()
        parts.append(struct.pack("<II", 0xced7230a, len(content)) + content + bytes(-len(content) % 4))
    return [b"".join(parts)]


def _write_index(folder: Path) -> None:
    (folder / "images.idx").write_bytes(_indices()[0])


def _read_records(folder: Path) -> object:
    from light_head_rcnn.data.classification.record_files import RecordReader, read_record_file
    found, reader = read_record_file(str(folder / "images.rec")), RecordReader()
    return [reader.read(image.path, image.key).shape for image in found.images]


def _indices() -> List[bytes]:
    return [b"0\t0\n1\t%d\n" % (len(_records()[0]) // 2)]


def _write_records(folder: Path) -> None:
    (folder / "images.rec").write_bytes(_records()[0])


def _bodies() -> List[bytes]:
    head = (b'--xyz\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
            b"Content-Type: image/jpeg\r\n\r\n")
    return [head + _picture() + b"\r\n--xyz--\r\n"]


def _read_body(folder: Path) -> object:
    """The form of an upload, and the image in it."""
    from light_head_rcnn import data
    from light_head_rcnn.engine.serving.body_images import BadBody, find_image
    try:
        image = find_image((folder / "body").read_bytes(), "multipart/form-data; boundary=xyz")
    except BadBody as error:
        return error.args
    (folder / "body").write_bytes(image)
    return np.sum(data.read_image(folder / "body"))


TARGETS: Dict[str, Target] = {
    "packed_manifest": _packed("packed_data_set.json"), "packed_records": _packed("train.npz"),
    "packed_shard": _packed("train-00000.rec"),
    "record_file": Target("images.rec", _records, _read_records, _write_index),
    "record_index": Target("images.idx", _indices, _read_records, _write_records),
    "upload": Target("body", _bodies, _read_body),
}
