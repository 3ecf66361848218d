import pytest
from light_head_rcnn.data.assembling.raw import NoBox
from light_head_rcnn.data.readers.yolo_files import is_label_file, read_label_lines, read_yolo_files


@pytest.fixture
def tree(tmp_path):
    """Returns a function that writes files, given by path and text, and returns the folder."""
    def write(**files):
        for name, text in {**{"images/a.jpg": "", "labels/a.txt": "0 .5 .5 .2 .2\n1 0.1 0.2 0.3 0.4 0.9\n"},
                           **files.pop("more", {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path
    return write


def read(folder, images="images", labels="labels", **arguments):
    raw = read_yolo_files([str(folder / images)], [str(folder / labels)], **arguments)
    assert raw.box_format == "centre_fractions" and raw.image_folders == (str(folder / images),)
    return list(raw.images)


def numbers(box):
    return [float(number) for number in box]


def test_reads_classes_by_number_and_boxes_without_the_confidence(tree):
    folder = tree()
    image, = read(folder, names=["cat", "dog"])
    assert image.image_id == "a" and image.name == str(folder / "images" / "a.jpg")
    assert image.where == str(folder / "labels" / "a.txt") and image.fault is None
    assert [object_.label for object_ in image.objects] == ["cat", "dog"]
    assert [object_.position for object_ in image.objects] == [1, 2]
    assert [numbers(object_.box) for object_ in image.objects] == [[.5, .5, .2, .2], [.1, .2, .3, .4]]


def test_numbers_that_are_no_fractions_are_no_box(tmp_path):
    (tmp_path / "a.txt").write_text("0 320 240 64 48\n0 .5 .5 1.2 4\n0 10 10 40 10 40 30\n")
    first, second, third = read_label_lines(str(tmp_path / "a.txt"))
    assert first.box == NoBox("'0 320 240 64 48' states no fractions of the image, but perhaps pixels")
    assert numbers(second.box) == [.5, .5, 1.2, 4] and isinstance(third.box, NoBox)


def test_keypoints_that_nothing_announces_are_no_polygon(tmp_path):
    (tmp_path / "a.txt").write_text("0 .5 .5 .2 .2 .4 .4 2 .6 .6 2\n")
    object_, = read_label_lines(str(tmp_path / "a.txt"))
    assert isinstance(object_.box, NoBox) and "perhaps keypoints" in object_.box.why
    object_, = read_label_lines(str(tmp_path / "a.txt"), keypoints=True)
    assert numbers(object_.box) == [.5, .5, .2, .2]


@pytest.mark.parametrize("text, answer", [
    ("0 .5 .5 .2 .2", True), ("cat .5 .5 .2 .2", True), ("0 .1 .2 .5 .2 .5 .8", True), ("0 320 240 64 48", True),
    ("cat 320 240 64 48", False),
    ("Car 0.00 0 -1.57 61.9 164.1 119.6 218.9 1.48 1.60 3.69 2.84 1.47 8.41 -1.56", False),
])
def test_text_of_other_kinds_is_no_label_file(tmp_path, text, answer):
    (tmp_path / "a.txt").write_text(text)
    assert is_label_file(str(tmp_path / "a.txt")) is answer


def test_without_names_the_numbers_are_the_classes(tree):
    image, = read(tree())
    assert [object_.label for object_ in image.objects] == ["0", "1"]


@pytest.mark.parametrize("line, label, stated", [
    ("2 .5 .5 .2 .2", None, "2"), ("-1 .5 .5 .2 .2", None, "-1"), ("0.5 .5 .5 .2 .2", None, "0.5"),
    ("1.0 .5 .5 .2 .2", "dog", "1.0"), ("dog .5 .5 .2 .2", "dog", "dog"), ("cow .5 .5 .2 .2", None, "cow"),
])
def test_a_class_beyond_the_names_is_none(tmp_path, line, label, stated):
    (tmp_path / "a.txt").write_text(line)
    object_, = read_label_lines(str(tmp_path / "a.txt"), ["cat", "dog"])
    assert (object_.label, object_.stated_class) == (label, stated)


@pytest.mark.parametrize("line, box", [
    ("0 .1 .2 .5 .2 .5 .8", [.3, .5, .4, .6]),  # a triangle
    ("0 .1 .2 .5 .2 .5 .8 .1 .8", [.3, .5, .4, .6]),
])
def test_the_box_around_a_polygon(tmp_path, line, box):
    (tmp_path / "a.txt").write_text(line)
    object_, = read_label_lines(str(tmp_path / "a.txt"))
    assert object_.box == pytest.approx(box)


def test_keypoints_are_no_polygon(tmp_path):
    (tmp_path / "a.txt").write_text("0 .5 .5 .2 .2 .1 .1 2 .3 .3 2")
    object_, = read_label_lines(str(tmp_path / "a.txt"), keypoints=True)
    assert numbers(object_.box) == [.5, .5, .2, .2]


@pytest.mark.parametrize("line", ["0", "0 .5 .5 .2", "0 a b c d", "0 .1 .2 .3 .4 .5 .6 .7", "0 .1 .2 .3 x .5 .6"])
def test_a_broken_line_stays_what_it_is(tmp_path, line):
    (tmp_path / "a.txt").write_text(line)
    object_, = read_label_lines(str(tmp_path / "a.txt"))
    with pytest.raises((ValueError, TypeError)):
        one, two, three, four = numbers(object_.box)


def test_an_image_without_a_label_file_has_no_boxes_and_a_label_file_without_image_lacks_one(tree):
    folder = tree(more={"images/b.png": "", "labels/c.txt": "0 .5 .5 .1 .1", "labels/classes.txt": "cat\n",
                        "labels/about.txt": "made by me\n", "images/d.jpg": "", "labels/d.txt": ""})
    images = read(folder)
    assert [(image.image_id, len(image.objects)) for image in images] == [("a", 2), ("b", 0), ("d", 0), ("c", 0)]
    assert images[-1].name == "c"


@pytest.mark.parametrize("images, labels, image, label", [
    ("images", "labels", "images/train/x.jpg", "labels/train/x.txt"),
    ("train/images", "train/labels", "train/images/x.jpg", "train/labels/x.txt"),
    ("data", "data", "data/x.jpg", "data/x.txt"),
    ("photos", "boxes", "photos/day/x.jpg", "boxes/day/x.txt"),
    ("photos", "boxes", "photos/day/x.jpg", "boxes/x.txt"),
    ("photos", "boxes", "photos/IMG (1).jpg", "boxes/img (1).TXT"),
])
def test_labels_lie_beside_the_images_or_in_a_parallel_folder(tree, images, labels, image, label):
    folder = tree(more={image: "", label: "0 .5 .5 .2 .2"})
    read_images = {one.name: one for one in read(folder, images, labels)}
    assert len(read_images[str(folder / image)].objects) == 1


@pytest.mark.parametrize("labels", ["labels", "."])
def test_labels_in_the_place_of_images_go_before_a_text_beside_the_image(tree, labels):
    folder = tree(more={"images/a.txt": "5 .1 .1 .1 .1\n", "images/b.jpg": "", "images/b.txt": "the neighbour's cat"})
    a, b = read(folder, labels=labels)
    assert [object_.label for object_ in a.objects] == ["0", "1"] and a.where == str(folder / "labels" / "a.txt")
    assert b.where == str(folder / "images" / "b.txt")


def test_labels_beside_the_image_go_before_those_of_another_data_set(tree):
    folder = tree(more={"images/mine/x.jpg": "", "images/mine/x.txt": "0 .5 .5 .2 .2",
                        "labels/mine/x.txt": "1 .1 .1 .1 .1"})
    image, = read(folder, "images/mine", "images/mine")
    assert [object_.label for object_ in image.objects] == ["0"]


def test_labels_of_another_folder_are_not_an_images_own(tree):
    folder = tree(more={"photos/night/x.jpg": "", "boxes/day/x.txt": "0 .5 .5 .2 .2"})
    assert [len(image.objects) for image in read(folder, "photos", "boxes")] == [0, 0]


def test_two_label_files_that_fit_an_image_equally_well_are_a_fault(tree):
    folder = tree(more={"photos/x.jpg": "", "boxes/day/x.txt": "0 .5 .5 .2 .2", "boxes/night/x.txt": "0 .5 .5 .2 .2"})
    image = next(iter(read(folder, "photos", "boxes")))
    assert image.fault[0] == "image_entry_broken" and "two files fit" in image.fault[1]


def test_a_list_names_the_images_and_tells_of_those_that_are_missing(tree):
    names = "./images/b.jpg\n/home/me/data/images/a.jpg\n\nimages/no.jpg\n"
    folder = tree(more={"images/b.jpg": "", "list.txt": names})
    images = read(folder, list_file=str(folder / "list.txt"))
    assert [(image.image_id, len(image.objects)) for image in images] == [("b", 0), ("a", 2), ("no", 0)]
    assert images[0].where == f"{folder / 'list.txt'}, line 1" and images[2].name == "images/no.jpg"


def test_without_labels_no_boxes_are_read(tree):
    assert [image.objects for image in read(tree(), with_labels=False)] == [[]]


@pytest.mark.parametrize("name, text, expected", [
    ("a.txt", "0 .1 .2 .3 .4", True), ("a.txt", "dog .1 .2 .3 .4", True), ("a.txt", "1.jpg", False),
    ("a.txt", "", False), ("a.txt", "\n \n0 .1 .2 .3 .4", True),
    ("classes.txt", "0 1 2 3 4", False), ("a.txt", "the dog of my neighbour barks", False),
])
def test_what_looks_like_labels(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert is_label_file(str(tmp_path / name)) is expected


def test_a_list_with_the_bytes_of_names_that_are_not_utf8(tree):
    label = "0 .5 .5 .2 .2\n"
    folder = tree(more={"images/\udce9.jpg": "", "labels/\udce9.txt": label, "images/ü.jpg": "", "labels/ü.txt": label})
    (folder / "list.txt").write_bytes(b"images/\xe9.jpg\nimages/\xfc.jpg\n")
    images = read(folder, list_file=str(folder / "list.txt"))
    assert [image.name for image in images] == [str(folder / "images" / name) for name in ("\udce9.jpg", "ü.jpg")]
    assert [image.image_id for image in images] == ["é", "ü"] and all(image.objects for image in images)
