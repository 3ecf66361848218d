import os
import time
import unicodedata

import pytest
from light_head_rcnn.data.files import file_names
from light_head_rcnn.data.files.file_names import ImageIndex
from light_head_rcnn.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """Returns a function that makes empty files under a folder and returns an index of it."""
    def make(*names, folders=("",)):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        index = ImageIndex([str(tmp_path / folder) for folder in folders])
        index.found = lambda stated: os.path.relpath(index.find(stated), tmp_path)
        return index
    return make


@pytest.mark.parametrize("stated, file", [
    ("train/1.png", "train/1.png"),
    ("./train/1.png", "train/1.png"),
    ("train\\1.png", "train/1.png"),
    (".\\train\\1.png", "train/1.png"),
    ("../elsewhere/../train/1.png", "train/1.png"),
    ("1.png", "train/1.png"),
    ("data/obj/train/1.png", "train/1.png"),
    ("C:\\Users\\me\\train\\1.png", "train/1.png"),
    ("\\\\server\\share\\train\\1.png", "train/1.png"),
    ("/home/me/train/1.png", "train/1.png"),
    ("train/1", "train/1.png"),
    ("1.PNG", "train/1.png"),
    ("TRAIN/1.png", "train/1.png"),
    (" 1.png ", "train/1.png"),
    ("1.jpg", "train/1.png"),
    ("img (1)", "img (1).jpg"),
    ("img%20(1).jpg", "img (1).jpg"),
    ("img (2).jpg", "img%20(2).jpg"),
    ("img.jpeg", "img.jpg"),
    ("IMG.heic", "img.jpg"),
    ("v1.2.jpg", "v1.2.jpg"),
    ("v1.2", "v1.2.jpg"),
    (unicodedata.normalize("NFD", "é.jpg"), unicodedata.normalize("NFC", "é.jpg")),
    (unicodedata.normalize("NFC", "ü.jpg"), unicodedata.normalize("NFD", "ü.jpg")),
])
def test_finds_the_file_that_a_name_means(folder, stated, file):
    index = folder("train/1.png", "img.jpg", "img (1).jpg", "img%20(2).jpg", "v1.2.jpg",
                   unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "ü.jpg"))
    assert index.found(stated) == file


def test_the_folder_of_the_set_may_stand_in_front_of_the_name(folder):
    index = folder("train/1.png", "train/2.PNG", "val/1.png", folders=("train",))
    assert index.found("train/1.png") == "train/1.png"
    assert index.found("images/train/2.png") == "train/2.PNG"


def test_a_file_in_another_folder_than_the_name_states_is_not_meant(folder):
    index = folder("camera2/0001.png", "camera1/0002.png")
    with pytest.raises(DataError, match="camera2/0001.png lies in another folder") as error:
        index.find("camera1\\0001.png")
    assert error.value.kind == "image_missing"


@pytest.mark.parametrize("stated", ["img (1)", "img", "img.jpg.jpg", "im", "img1", "a.jpg", "", ".", "..", "/",
                                    "img\0.jpg", "x" * 300])
def test_a_name_that_no_file_has_is_missing(folder, stated):
    index = folder("img (2).jpg", "img.txt", "._a.jpg", ".b.jpg", "__MACOSX/a.jpg", "a.jpg.d/x.txt", "b/Thumbs.db")
    with pytest.raises(DataError, match="there is no image") as error:
        index.find(stated)
    assert error.value.kind == "image_missing" and index.folders[0] in str(error.value)


@pytest.mark.parametrize("stated, files", [
    ("img", ("img.jpg", "img.png")),
    ("img.bmp", ("img.jpg", "img.png")),
    ("1.jpg", ("a/1.jpg", "b/1.jpg")),
    ("img.jpg", ("IMG.jpg", "img.JPG")),
])
def test_two_files_that_fit_equally_well_are_never_guessed_between(folder, stated, files):
    index = folder(*files)
    with pytest.raises(DataError) as error:
        index.find(stated)
    assert error.value.kind == "image_ambiguous"
    assert all(str(file) in str(error.value) for file in files)


@pytest.mark.parametrize("stated, files", [  # the first file is meant
    ("img.jpg", ("img.jpg", "img.JPG", "a/img.jpg", "img.png")),
    ("img.jpg", ("img.JPG", "img.jpeg")),
    ("img.jpg", ("img.jpeg", "img.png")),
    ("a\\img.jpg", ("a/img.jpg", "b/a/img.jpg", "b/img.jpg")),
    ("c/a/img.jpg", ("a/img.jpg", "b/img.jpg")),
    ("IMG.jpg", ("img.jpg", "a/img.jpg")),
    ("IMG", ("IMG.jpg", "img.jpg")),
    ("scan.tif", ("scan.tif.png", "scan.png")),
    ("scan.tif", ("scan.tif", "a/scan.tif.png")),
    ("a/scan.tif", ("a/scan.tif.png", "scan.tif.png", "a/scan.jpg")),
    ("b/scan.tif", ("a/b/scan.TIF", "a/b/scan.tif.png")),
    ("scan.jpg", ("a/scan.jpg", "a/scan.jpg.png")),
    ("scan", ("scan.png", "scan.tif.png")),
])
def test_the_nearest_of_several_files_is_meant(folder, stated, files):
    assert folder(*files).found(stated) == files[0]


def test_an_earlier_folder_wins_but_an_exact_name_wins_over_it(folder):
    index = folder("train/1.jpg", "val/1.jpg", "val/2.JPG", "train/2.jpg", "train/3.png", "val/3.jpg",
                   folders=("train", "nowhere", "val", ""))
    assert index.found("1.jpg") == "train/1.jpg"
    assert index.found("2.JPG") == "val/2.JPG"
    assert index.found("2") == "train/2.jpg"
    assert index.found("3.jpg") == "val/3.jpg"


def test_links_to_one_file_are_one_file_and_links_to_folders_are_followed_once(folder, tmp_path):
    index = folder("real/1.jpg")
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "real" / "1.png").symlink_to(tmp_path / "real" / "1.jpg")
    (tmp_path / "real" / "broken.png").symlink_to(tmp_path / "nothing")
    assert index.found("1").startswith("real/1.")
    with pytest.raises(DataError):
        index.find("broken")


def test_unused_images_of_a_folder(folder, tmp_path):
    index = folder("a/1.jpg", "a/b/2.png", "a/3.txt", "a/._1.jpg", "4.jpg")
    used = [str(tmp_path / "a" / "b" / ".." / "1.jpg")]
    assert index.unused(str(tmp_path / "a"), used) == [str(tmp_path / "a" / "b" / "2.png")]


@pytest.mark.slow
def test_many_names_take_little_time(folder, tmp_path):
    index = folder("images/0.jpg", folders=("images",))
    for number in range(20000):
        (tmp_path / "images" / f"{number}.jpg").touch()
    for form in ("{}.jpg", "C:\\images\\{}.JPG"):
        start = time.perf_counter()
        for number in range(20000):
            index.find(form.format(number))
        seconds = time.perf_counter() - start
        print(f"{form}: {seconds:.2f} s")
        assert seconds < 10  # about 0.2 on a machine that does nothing else


def test_the_folder_that_the_name_states_is_the_one_that_is_searched(folder):
    index = folder("A/train/1.jpg", "B/train/2.jpg", folders=("A/train", "B/train"))
    assert index.found("B/train/2.jpg") == "B/train/2.jpg"
    with pytest.raises(DataError, match="lies in another folder"):
        index.find("B/train/1.jpg")


def test_a_stem_may_end_as_an_image_does(folder):
    index = folder("scan.tif.png", "a/b.png")
    assert index.has_stem("scan.tif") and index.has_stem("B") and not index.has_stem("scan")
    with pytest.raises(DataError, match="b.png lies in another folder"):
        index.find("c/b.png")


def test_images_of_one_name_are_not_all_compared(folder, monkeypatch):
    def count(*words):
        compared.append(words)
        return common_end(*words)

    index = folder(*(f"clip{clip}/{camera}/{frame}.jpg" for clip in range(40) for camera in "ab" for frame in range(2)))
    compared, common_end = [], file_names._common_end
    monkeypatch.setattr(file_names, "_common_end", count)
    for clip in range(40):
        assert index.found(f"clip{clip}/a/1") == f"clip{clip}/a/1.jpg"
        assert index.found(f"data/set/Clip{clip}/b/0.png") == f"clip{clip}/b/0.jpg"
    assert len(compared) <= 2 * 80  # the folders of a name with those of the index and with those of one file


def test_two_of_many_files_that_fit_are_named(folder, monkeypatch):
    index = folder(*(f"{clip}/rgb.png" for clip in range(50)))
    compared, samefile = [], os.path.samefile
    monkeypatch.setattr(os.path, "samefile", lambda *paths: compared.append(paths) or samefile(*paths))
    with pytest.raises(DataError, match="0/rgb.png and .*1/rgb.png"):
        index.find("rgb.png")
    assert len(compared) == 1


@pytest.mark.parametrize("stated", ["caf\udce9.jpg", "caf\udce9", "caf\xe9", "CAF\xe9.jpg", "x/caf\udce9.png"])
def test_names_that_are_not_utf8(folder, stated):
    index = folder("caf\udce9.jpg", "cafe.jpg")
    assert index.found(stated) == "caf\udce9.jpg"


def test_a_name_in_bytes_and_the_same_in_utf8(folder):
    index = folder("caf\udce9.jpg", "caf\xe9.jpg")
    for stated in ("caf\udce9.jpg", "caf\xe9.jpg"):
        assert index.found(stated) == index.found(stated[:-4]) == stated
