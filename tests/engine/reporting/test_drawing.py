"""Detections drawn on images: where boxes and labels are, how large they are, and what is refused."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.reporting import box_drawing
from light_head_rcnn.engine.reporting.drawing import draw
from light_head_rcnn.errors import DataError, UsageError

CLASSES = ("circle", "square")
GRAY = 128


def gray(width, height):
    return np.full((height, width, 3), GRAY, np.uint8)


def detections(*rows):
    """(ids, scores, boxes) of rows (id, score, box)."""
    return (np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], np.float32),
            np.array([row[2] for row in rows], np.float32).reshape(-1, 4))


def drawn(rows, size=(160, 120), classes=CLASSES, **options):
    return np.array(draw(gray(*size), detections(*rows), classes, **options))


def has_color(picture, index):
    return (picture == box_drawing.class_color(index)).all(2)


@pytest.fixture
def labels(monkeypatch):
    """The labels that were written since the test began, in this order: (text, x1, y1, x2, y2), exclusive ends."""
    written, patches = [], []
    canvas = box_drawing.ImageDraw.ImageDraw
    rectangle, text = canvas.rectangle, canvas.text

    def spy_rectangle(self, corners, fill=None, **options):
        if fill is not None:
            patches.append((corners[0], corners[1], corners[2] + 1, corners[3] + 1))
        rectangle(self, corners, fill=fill, **options)

    def spy_text(self, corner, content, **options):
        written.append((content, *patches[-1]))
        text(self, corner, content, **options)

    monkeypatch.setattr(canvas, "rectangle", spy_rectangle)
    monkeypatch.setattr(canvas, "text", spy_text)
    return written


def test_boxes_are_drawn_in_their_colors_with_inclusive_ends():
    picture = drawn([(0, 0.9, [20, 40, 79, 99]), (1, 0.8, [100, 50, 150, 110])])
    assert picture.shape == (120, 160, 3)
    # The lower edge and the sides of the first box, away from labels; nothing inside it, nothing just outside.
    assert has_color(picture, 0)[99, 25:75].all() and has_color(picture, 0)[70, [20, 79]].all()
    assert has_color(picture, 1)[70, [100, 150]].all()
    assert (picture[60:95, 25:75] == GRAY).all() and (picture[70, 81:99] == GRAY).all()
    assert (picture[70, :20] == GRAY).all() and (picture[100, 20:79] == GRAY).all()


@pytest.mark.parametrize("box", [[0, 0, 159, 119], [-5, -5, 10, 10], [150, 110, 158, 118], [60, 60, 59.5, 59.4],
                                 [0, 50, 5, 60], [154, 50, 159, 60], [70, 0, 80, 5], [70, 114, 80, 119],
                                 [-1e9, -1e9, 1e9, 1e9]])
def test_labels_stay_in_the_picture(labels, box):
    picture = drawn([(1, 0.5, box)])
    (text, x1, y1, x2, y2), = labels
    assert text == "square 0.50" and 0 <= x1 < x2 <= 160 and 0 <= y1 < y2 <= 120
    # All of the text lies on its patch: elsewhere there is nothing but the lines of the box.
    outside = (picture != GRAY).any(2) & ~has_color(picture, 1)
    outside[y1:y2, x1:x2] = False
    assert not outside.any() and has_color(picture, 1)[y1:y2, x1:x2].mean() > 0.4
    ink = np.argwhere((picture[y1:y2, x1:x2] == picture[y1:y2, x1:x2, :1]).all(2))
    assert (ink.min(0) > 0).all() and (ink.max(0) < [y2 - y1 - 1, x2 - x1 - 1]).all()


def test_lines_of_a_box_far_larger_than_the_picture_are_in_their_place():
    picture = drawn([(0, 0.9, [-1e10, 60, 1e10, 90])])
    assert has_color(picture, 0)[[60, 90]].all() and not has_color(picture, 0)[61:90].any()


def test_the_box_of_the_better_detection_is_on_top():
    for rows in ([(0, 0.9, [20, 60, 80, 99]), (1, 0.8, [20, 40, 80, 99])],
                 [(1, 0.8, [20, 40, 80, 99]), (0, 0.9, [20, 60, 80, 99])]):
        assert has_color(drawn(rows), 0)[99, 20:80].all()


def test_a_label_stands_at_a_corner_of_its_box(labels):
    for box in ([40, 50, 110, 90], [40, 0, 110, 40], [110, 50, 158, 90], [110, 0, 158, 90], [0, 0, 159, 119]):
        drawn([(0, 0.9, box)])
    above, below, above_right, below_right, within = [label[1:] for label in labels]
    assert (above[0], above[3]) == (40, 50) and (below[0], below[1]) == (40, 41)
    assert (above_right[2], above_right[3]) == (159, 50) and (below_right[2], below_right[1]) == (159, 91)
    assert within[:2] == (0, 0)


def test_labels_do_not_cover_each_other(labels):
    drawn([(0, 0.8, [41, 51, 111, 91]), (1, 0.9, [40, 50, 110, 90]), (0, 0.7, [42, 51, 112, 91])])
    assert [label[0] for label in labels] == ["circle 0.70", "circle 0.80", "square 0.90"]
    # The best one has the best place.
    assert labels[2][1] == 40 and labels[2][4] == 50
    for one, other in ((0, 1), (0, 2), (1, 2)):
        (x1, y1, x2, y2), (X1, Y1, X2, Y2) = labels[one][1:], labels[other][1:]
        assert x2 <= X1 or X2 <= x1 or y2 <= Y1 or Y2 <= y1


def test_where_labels_have_no_room_the_better_one_is_on_top(labels):
    box = [0, 0, 159, 119]
    alone = drawn([(0, 0.95, box)])
    (_, x1, y1, x2, y2), = labels
    for rows in ([(0, 0.95, box)] + 40 * [(1, 0.6, box)], 40 * [(1, 0.6, box)] + [(0, 0.95, box)]):
        np.testing.assert_array_equal(drawn(rows)[y1:y2, x1:x2], alone[y1:y2, x1:x2])
    # Of the others each covers as little of those before it as it can: they lie spread.
    assert len({label[1:] for label in labels}) >= 4


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (2000, 1500), (1000, 750), (640, 480)])
def test_text_and_lines_grow_with_the_image(labels, size):
    width, height = size
    picture = drawn([(0, 0.9, [width // 4, height // 4, 3 * width // 4, 3 * height // 4])], size)
    (_, x1, y1, x2, y2), = labels
    # On a screen where the image takes 1000 x 1000 pixels, a label is about 30 pixels high, a line 2 to 4 wide.
    screen = 1000 / (width * height) ** 0.5
    assert 26 <= (y2 - y1) * screen <= 36 and 120 <= (x2 - x1) * screen <= 190
    assert 2 <= round(has_color(picture, 0)[height // 2, :width // 2].sum() * screen) <= 4


def test_text_of_small_images_stays_readable(labels):
    for size in ((320, 240), (160, 120), (64, 64)):
        drawn([(0, 0.9, [2, 30, 62, 62])], size, ("a",))
    assert {y2 - y1 for _, _, y1, _, y2 in labels} == {15}


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (16, 16), (300, 40)])
def test_images_too_small_for_text_have_boxes_alone(size):
    picture = drawn([(0, 0.9, [0, 0, size[0] - 1, size[1] - 1])], size)
    assert has_color(picture, 0)[0].all() and has_color(picture, 0)[:, -1].all()
    assert (picture[1:-1, 1:-1] == GRAY).all()


def test_a_long_name_is_cut_and_keeps_its_score(labels):
    box = [5, 50, 60, 80]
    drawn([(0, 0.9, box)], classes=["a name that is much longer than such an image is wide"])
    drawn([(0, 0.9, box)], classes=["short"])
    drawn([(0, 0.9, box)], classes=None)
    drawn([(0, 0.9, box)], (54, 100), ["short"])
    drawn([(0, 0.9, box)], (20, 100), ["short"])
    long, short, unnamed, narrow = [label[0] for label in labels]
    assert long.startswith("a name that is") and long.endswith("… 0.90") and labels[0][3] - labels[0][1] > 150
    assert (short, unnamed, narrow) == ("short 0.90", "class 0 0.90", "sh… 0.90")


@pytest.mark.parametrize("name, text", [("Straße", "Straße"), ("светофор", "светофор"), ("قطة", "قطة"),
                                        ("信号機", "class 0"), ("", "class 0"), ("two\nlines", "two lines"),
                                        ("\ud800", "class 0")])
def test_names_in_any_script(name, text):
    np.testing.assert_array_equal(drawn([(0, 0.9, [5, 50, 60, 80])], classes=[name]),
                                  drawn([(0, 0.9, [5, 50, 60, 80])], classes=[text]))


def test_detections_below_the_threshold_are_not_drawn():
    rows = [(0, 0.9, [20, 40, 79, 99]), (1, 0.5, [100, 50, 150, 110]), (1, 0.25, [5, 5, 50, 30])]
    np.testing.assert_array_equal(drawn(rows), drawn(rows[:2]))
    np.testing.assert_array_equal(drawn(rows, threshold=0.6), drawn(rows[:1]))
    assert (drawn(rows, threshold=0.2) != drawn(rows)).any()
    assert (drawn(rows, threshold=0.95) == GRAY).all() and (drawn([]) == GRAY).all()


def test_ground_truth_has_no_scores_and_no_threshold():
    ids, _, boxes = detections((0, 0, [20, 40, 79, 99]))
    truth = np.array(draw(gray(160, 120), (ids, None, boxes), CLASSES, threshold=2))
    scored = drawn([(0, 0.9, [20, 40, 79, 99])])
    assert has_color(truth, 0)[99, 25:75].all() and has_color(truth, 0).sum() < has_color(scored, 0).sum()


def test_an_image_is_a_path_a_pillow_image_or_an_array(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (120, 160, 3)).astype(np.uint8)
    before, found = pixels.copy(), detections((0, 0.9, [20, 40, 79, 99]))
    Image.fromarray(pixels).save(tmp_path / "i.png")
    picture = draw(pixels, found, CLASSES)
    assert isinstance(picture, Image.Image) and picture.mode == "RGB" and picture.size == (160, 120)
    image = Image.fromarray(pixels)
    for source in (image, image.convert("RGBA"), tmp_path / "i.png", str(tmp_path / "i.png"), pixels[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(np.array(draw(source, found, CLASSES)), np.array(picture))
    np.testing.assert_array_equal(pixels, before)
    np.testing.assert_array_equal(np.array(image), before)
    with pytest.raises(DataError, match="missing.png"):
        draw(tmp_path / "missing.png", found)


def test_a_turned_photograph_is_drawn_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gray(160, 120)).save(tmp_path / "i.jpg", exif=exif)
    assert draw(tmp_path / "i.jpg", detections()).size == (120, 160)


def test_text_is_black_on_light_colors_and_white_on_dark_ones(labels):
    seen = set()
    for index in range(12):
        picture = drawn([(index, 0.9, [40, 50, 110, 90])], classes=None)
        _, x1, y1, x2, y2 = labels[-1]
        patch = picture[y1:y2, x1:x2].reshape(-1, 3).astype(int)
        farthest = patch[np.abs(patch - box_drawing.class_color(index)).sum(1).argmax()]
        light = np.dot(box_drawing.class_color(index), [0.299, 0.587, 0.114])
        # The distance in lightness between text and patch is at least 40 % of that between white and black.
        assert abs(np.dot(farthest, [0.299, 0.587, 0.114]) - light) > 100
        seen.add(tuple(farthest > 128))
    assert seen == {(True, True, True), (False, False, False)}


def test_the_picture_is_written_whole_in_the_format_of_its_extension(tmp_path):
    found = detections((0, 0.9, [20, 40, 79, 99]))
    image = np.random.RandomState(0).randint(100, 156, (120, 160, 3)).astype(np.uint8)
    for name, kind in (("a/out.png", "PNG"), ("a/out.jpg", "JPEG"), ("a/OUT.JPEG", "JPEG"), ("a/out.webp", "WEBP")):
        picture = draw(image, found, CLASSES, path=tmp_path / name)
        with Image.open(tmp_path / name) as written:
            assert written.format == kind
            difference = np.abs(np.array(written.convert("RGB")).astype(int) - np.array(picture)).mean()
            assert difference == 0 if kind == "PNG" else difference < 15
    assert len(list((tmp_path / "a").iterdir())) == 4
    for name in ("out", "out.abc"):
        with pytest.raises(UsageError, match=f"{name}: there is no image format"):
            draw(gray(160, 120), found, CLASSES, path=tmp_path / name)


def test_what_cannot_be_drawn_is_refused():
    good = detections((0, 0.9, [20, 40, 79, 99]), (1, 0.9, [20, 40, 79, 99]))
    for image, message in ((gray(8, 8) - 300.0, "floats must lie"), (gray(8, 8)[..., :2], r"\(8, 8, 2\)"),
                           (None, "None")):
        with pytest.raises(DataError, match=message):
            draw(image, good)
    ids, scores, boxes = good
    for wrong in ((ids[None], scores, boxes), (ids, scores[:1], boxes), (ids, scores, boxes[:, :3]),
                  (ids[:1], scores, boxes)):
        with pytest.raises(UsageError, match="these have the shapes"):
            draw(gray(8, 8), wrong)
    with pytest.raises(UsageError, match="three arrays"):
        draw(gray(8, 8), [good])
    with pytest.raises(UsageError, match="the id 1, but there are names of only 1 classes"):
        draw(gray(8, 8), good, CLASSES[:1])
    with pytest.raises(UsageError, match="must not be negative"):
        draw(gray(8, 8), (ids * 2 - 1, scores, boxes), CLASSES)
    with pytest.raises(UsageError, match="not finite"):
        draw(gray(8, 8), (ids, scores, boxes * np.nan))


def test_a_picture_is_drawn_on_as_a_detector_sees_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gray(60, 40)).save(tmp_path / "x.png", exif=exif)
    none = np.zeros(0, int), np.zeros(0), np.zeros((0, 4))
    for image in (tmp_path / "x.png", Image.open(tmp_path / "x.png"), gray(40, 60) / 255.0, gray(40, 60)[..., 0]):
        picture = draw(image, none)
        assert picture.mode == "RGB" and picture.size == (40, 60)


def test_colors_of_many_classes_differ():
    assert len({box_drawing.class_color(index) for index in range(81)}) == 81
