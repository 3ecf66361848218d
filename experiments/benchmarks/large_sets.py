"""Writes data sets of the size of COCO's training set: small valid images, annotations of realistic length."""
import io
import json
import os
import shutil
from typing import Any, Callable, Dict, Iterator, List

import numpy as np
from PIL import Image

from ...data import COCO_CLASSES, VOC_CLASSES

# Width and height of COCO's photographs, the frequent ones first.
SIZES = ((640, 480), (480, 640), (640, 427), (427, 640), (640, 426), (500, 375), (375, 500), (640, 640), (612, 612),
         (333, 500), (640, 360), (480, 360))
_SHAPES = 500  # polygons that are drawn once and moved from object to object
_XML_OBJECT = """	<object>
		<name>{}</name>
		<pose>Unspecified</pose>
		<truncated>0</truncated>
		<difficult>{}</difficult>
		<bndbox>
			<xmin>{}</xmin>
			<ymin>{}</ymin>
			<xmax>{}</xmax>
			<ymax>{}</ymax>
		</bndbox>
	</object>
"""
_XML = """<annotation>
	<folder>VOC2012</folder>
	<filename>{}.jpg</filename>
	<source>
		<database>The VOC2012 Database</database>
		<annotation>PASCAL VOC2012</annotation>
		<image>flickr</image>
	</source>
	<size>
		<width>{}</width>
		<height>{}</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
{}</annotation>
"""


def written_once(folder: str, write: Callable[[str], None]) -> str:
    """Returns a folder, which is written if it is not there; one whose writing is interrupted is not there.

    Args:
        folder: its path.
        write: makes the folder at the path that it is called with, and writes what is in it.
    """
    if not os.path.isdir(folder):
        work = folder + ".part"
        shutil.rmtree(work, ignore_errors=True)
        write(work)
        os.replace(work, folder)
    return folder


def write_coco_set(root: str, images: int, boxes: int, segmentation: bool, seed: int = 0, files: int = 0) -> None:
    """Writes the image set "train2017" of a data set in COCO's layout.

    Args:
        root: folder of the data set; `train2017` may be there already, from a call with the same `images` and `seed`.
        images: number of images, each in a file of its own.
        boxes: number of boxes, all images together; one in a hundred is a crowd.
        segmentation: give each object a polygon of about 25 corners, as COCO's have, and crowds their run lengths.
        seed: of all that is random.
        files: so many images are files of their own, and the others hard links to these; 0 for all.
    """
    rng = np.random.RandomState(seed)
    sizes = rng.randint(0, len(SIZES), images)
    if files:
        sizes = sizes[np.arange(images) % files]
    names = [f"{7 + 4 * number:012d}.jpg" for number in range(images)]
    if not os.path.isdir(os.path.join(root, "train2017")):
        _write_images(os.path.join(root, "train2017"), names[:files or images], sizes)
        for number in range(files or images, images):
            os.link(*(os.path.join(root, "train2017", names[one]) for one in (number % files, number)))
    os.makedirs(os.path.join(root, "annotations"), exist_ok=True)
    owners = rng.randint(0, images, boxes)
    with open(os.path.join(root, "annotations", "instances_train2017.json"), "w", encoding="utf-8") as file:
        file.write('{"info": {"description": "a benchmark"}, "licenses": [], "categories": ')
        file.write(json.dumps([{"supercategory": "thing", "id": number, "name": name}
                               for number, name in enumerate(COCO_CLASSES, 1)]))
        file.write(', "images": [')
        for number, (name, size) in enumerate(zip(names, sizes)):
            width, height = SIZES[size]
            entry = {"license": 3, "file_name": name, "coco_url": f"http://images.cocodataset.org/train2017/{name}",
                     "height": height, "width": width, "date_captured": "2013-11-14 11:18:45",
                     "flickr_url": f"http://farm9.staticflickr.com/8186/{name}", "id": _image_id(number)}
            file.write((", " if number else "") + json.dumps(entry))
        file.write('], "annotations": [')
        for number, entry in enumerate(_annotations(rng, owners, sizes, segmentation)):
            file.write((", " if number else "") + json.dumps(entry))
        file.write("]}")


def write_voc_set(root: str, images: int, seed: int = 0) -> None:
    """Writes the image set "trainval" of a data set in VOC's layout, with two or three objects an image.

    Args:
        root: folder of the data set.
        images: number of images and of XML files.
        seed: of all that is random.
    """
    rng = np.random.RandomState(seed)
    sizes = rng.randint(0, len(SIZES), images)
    stems = [f"{2007 + number % 6}_{number:06d}" for number in range(images)]
    _write_images(os.path.join(root, "JPEGImages"), [stem + ".jpg" for stem in stems], sizes)
    os.makedirs(os.path.join(root, "Annotations"), exist_ok=True)
    os.makedirs(os.path.join(root, "ImageSets", "Main"), exist_ok=True)
    with open(os.path.join(root, "ImageSets", "Main", "trainval.txt"), "w", encoding="utf-8") as file:
        file.writelines(stem + "\n" for stem in stems)
    for stem, size in zip(stems, sizes):
        width, height = SIZES[size]
        objects = []
        for left, top, right, bottom in rng.rand(rng.randint(2, 4), 4):
            x1, y1 = 1 + int(left * (width - 20)), 1 + int(top * (height - 20))
            objects.append(_XML_OBJECT.format(
                VOC_CLASSES[rng.randint(len(VOC_CLASSES))], int(rng.rand() < 0.1), x1, y1,
                x1 + 10 + int(right * (width - x1 - 10)), y1 + 10 + int(bottom * (height - y1 - 10))))
        with open(os.path.join(root, "Annotations", stem + ".xml"), "w", encoding="utf-8") as file:
            file.write(_XML.format(stem, width, height, "".join(objects)))


def _image_id(number: int) -> int:
    return 7 + 4 * number


def _write_images(folder: str, names: List[str], sizes: np.ndarray) -> None:
    """Writes JPEGs of one colour, of some KiB, no two of which are equal; `sizes` are positions in `SIZES`."""
    os.makedirs(folder)
    contents = []
    for width, height in SIZES:
        memory = io.BytesIO()
        Image.new("RGB", (width, height), (90, 120, 60)).save(memory, "JPEG", optimize=True)
        contents.append(memory.getvalue())
    for number, (name, size) in enumerate(zip(names, sizes)):
        # A comment of its own, after the two bytes that begin every JPEG, makes it another file of another length.
        comment = name.encode().ljust(50 + number % 997)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(contents[size][:2] + b"\xff\xfe" + (2 + len(comment)).to_bytes(2, "big") + comment
                       + contents[size][2:])


def _annotations(rng: np.random.RandomState, owners: np.ndarray, sizes: np.ndarray,
                 segmentation: bool) -> Iterator[Dict[str, Any]]:
    """Yields an annotation for each owner, the number of its image."""
    shapes = [_corners(rng) for _ in range(_SHAPES)]
    for number, owner in enumerate(owners.tolist()):
        width, height = SIZES[sizes[owner]]
        # The sides of the boxes follow a power law, as in COCO: most are small.
        w, h = (max(4.0, side * rng.rand() ** 2) for side in (width, height))
        x, y = round(rng.rand() * (width - w), 2), round(rng.rand() * (height - h), 2)
        crowd = int(number % 100 == 99)
        entry: Dict[str, Any] = {}
        if segmentation:
            polygon = (shapes[number % _SHAPES] * (w, h) + (x, y)).round(2).ravel().tolist()
            entry["segmentation"] = ({"counts": [int(value) for value in polygon], "size": [height, width]} if crowd
                                     else [polygon])
        entry.update(area=round(0.6 * w * h, 4), iscrowd=crowd, image_id=_image_id(owner),
                     bbox=[x, y, round(w, 2), round(h, 2)], category_id=int(rng.randint(1, len(COCO_CLASSES) + 1)),
                     id=900000 + number)
        yield entry


def _corners(rng: np.random.RandomState) -> np.ndarray:
    """Returns the corners of a polygon in the unit square, float64 (n, 2), in their order around it."""
    angles = np.sort(rng.rand(rng.randint(5, 46))) * 2 * np.pi
    return 0.5 + np.stack([np.cos(angles), np.sin(angles)], axis=1) * (0.3 + 0.2 * rng.rand(len(angles), 1))
