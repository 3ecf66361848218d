"""The checks and the reading of images that both layouts share."""
import pickle

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.data.records import IMAGE_EXTENSIONS, inclusive_box, make_record


def record_of(objects, path="x.jpg", width=60, height=40):
    return make_record("x", str(path), width, height, objects)


def test_targets_leave_out_crowds_and_difficult_objects():
    record = record_of([((0, 0, 5, 5), 1, False, False), ((1, 1, 6, 6), 2, True, False),
                        ((2, 2, 7, 7), 3, False, True), ((3, 3, 8, 8), 0, False, False)])
    boxes, classes = data.targets_of(record)
    assert boxes.tolist() == [[0, 0, 5, 5], [3, 3, 8, 8]] and boxes.dtype == np.float32
    assert classes.tolist() == [1, 0] and classes.dtype == np.int32


def test_with_targets():
    plain, crowd = ((0, 0, 5, 5), 0, False, False), ((0, 0, 5, 5), 0, False, True)
    difficult = ((0, 0, 5, 5), 0, True, False)
    records = [record_of(o) for o in ([plain], [], [crowd], [difficult], [crowd, plain], [crowd, difficult])]
    assert data.with_targets(records) == [records[0], records[4]]


def test_record_without_boxes_keeps_its_shapes():
    record = record_of([])
    assert record.boxes.shape == (0, 4) and record.classes.shape == (0,)
    assert record.crowd.dtype == record.difficult.dtype == bool


@pytest.mark.parametrize("box, expected", [
    ((0, 0, 59, 39), (0, 0, 59, 39)),
    ((5, 5, 5, 5), (5, 5, 5, 5)),  # one pixel
    ((-0.5, -1, 59.5, 40), (0, 0, 59, 39)),  # up to one pixel outside
    ((10, 10, 9.4, 20), (10, 10, 10, 20)),  # narrower than a pixel
    ((10, 10, 9, 20), (10, 10, 10, 20)),  # COCO's width 0
    ((60, 10, 59.5, 20), (59, 10, 59, 20)),  # a sliver at the edge
])
def test_box_is_clipped(box, expected):
    assert inclusive_box(*box, 60, 40) == expected


@pytest.mark.parametrize("box, kind", [
    ((-2, 0, 5, 5), "box outside"), ((0, -1.5, 5, 5), "box outside"), ((0, 0, 60.5, 5), "box outside"),
    ((0, 0, 5, 41), "box outside"), ((100, 100, 110, 110), "box outside"),
    ((10, 0, 5, 5), "box inverted"), ((0, 10, 5, 8), "box inverted"),
    ((float("nan"), 0, 5, 5), "box not finite"), ((0, 0, float("inf"), 5), "box not finite"),
])
def test_broken_box(box, kind):
    with pytest.raises(data.DataError) as caught:
        inclusive_box(*box, 60, 40)
    assert caught.value.kind == kind


def test_error_survives_the_way_from_a_worker():
    error = pickle.loads(pickle.dumps(data.DataError("message", "kind")))
    assert (str(error), error.kind) == ("message", "kind")


def test_pixels_are_those_of_mxnet(tmp_path, make_image):
    make_image(tmp_path / "x.jpg", 61, 43)
    pixels = data.read_image(tmp_path / "x.jpg")
    reference = mx.image.imdecode((tmp_path / "x.jpg").read_bytes(), to_rgb=True).asnumpy()
    assert pixels.dtype == np.uint8 and pixels.shape == (43, 61, 3)
    assert np.abs(pixels.astype(int) - reference).max() <= 2


@pytest.mark.parametrize("suffix", IMAGE_EXTENSIONS)
def test_every_extension_is_read(tmp_path, make_image, suffix):
    make_image(tmp_path / ("x" + suffix), 6, 4)
    assert data.read_image(tmp_path / ("x" + suffix)).shape == (4, 6, 3)


def test_extensions():
    assert {".jpg", ".png", ".bmp", ".webp", ".tif", ".tiff"} < set(IMAGE_EXTENSIONS)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(str(path))
    pixels = data.read_image(path)
    assert pixels.shape == (4, 5, 3) and pixels.min() >= 250


def test_sixteen_bits_are_scaled(tmp_path):
    Image.fromarray(np.full((4, 5), 128 * 256, np.uint16)).save(str(tmp_path / "x.png"))
    assert (data.read_image(tmp_path / "x.png") == 128).all()


def turned_image(path, orientation):
    """60 x 40 pixels on disk, the left half white."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 255
    Image.fromarray(pixels).save(str(path), exif=exif)
    return pixels


def test_quarter_turn_is_applied_when_the_record_says_so(tmp_path):
    path = tmp_path / "x.png"
    pixels = turned_image(path, 6)
    assert data.read_image(path).shape == (60, 40, 3)
    assert np.array_equal(data.read_image(record_of([], path, 60, 40)), pixels)
    upright = data.read_image(record_of([], path, 40, 60))
    assert upright.shape == (60, 40, 3) and (upright[:30] == 255).all() and (upright[30:] == 0).all()


def test_half_turn_is_for_viewers_only(tmp_path):
    path = tmp_path / "x.png"
    pixels = turned_image(path, 3)
    assert np.array_equal(data.read_image(path), pixels[::-1, ::-1])
    assert np.array_equal(data.read_image(record_of([], path, 60, 40)), pixels)


def break_file(path, how):
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "text": b"not an image", "cut": content[:len(content) // 2]}[how])


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("how", ["gone", "empty", "text", "cut"])
def test_unreadable_image_is_named(tmp_path, make_image, suffix, how):
    path = tmp_path / ("x." + suffix)
    make_image(path, 60, 40)
    break_file(path, how)
    with pytest.raises(data.DataError, match="x." + suffix):
        data.read_image(path)
    with pytest.raises(data.DataError, match="x.{}.*entry 'x'".format(suffix)):
        data.read_image(record_of([], path))


def test_size_that_differs_is_named(tmp_path, make_image):
    make_image(tmp_path / "x.jpg", 60, 40)
    with pytest.raises(data.DataError, match="x.jpg: the image is 60 x 40 pixels, its entry 'x' says 61 x 40"):
        data.read_image(record_of([], tmp_path / "x.jpg", 61, 40))


def test_load_dataset_says_what_it_knows(tmp_path):
    with pytest.raises(data.DataError, match="'kitti'; known: coco, voc, shapes"):
        data.load_dataset("kitti", tmp_path, "train")
    with pytest.raises(data.DataError, match="on_error"):
        data.load_dataset("coco", tmp_path, "train", on_error="ignore")
    with pytest.raises(data.DataError, match="nowhere: no such folder of a voc data set"):
        data.load_dataset("voc", tmp_path / "nowhere", "train")
