"""Data sets that lie side by side in one folder: they are told apart, and joined only by those who ask for it."""
import pytest
from light_head_rcnn.data import find_sets, load_dataset
from light_head_rcnn.data.finding.projects import projects_of
from light_head_rcnn.errors import DataError

NAMES = ["A/train", "A/val", "B/train", "B/val"]


def roboflow_coco(build, project, name, label):
    build.images(f"{project}/{name}/1.jpg")
    build.coco(f"{project}/{name}/_annotations.coco.json", {"1.jpg": [label]}, categories=(label,))


def coco(build, project, name, label):
    build.images(f"{project}/{name}2017/1.jpg")
    build.coco(f"{project}/annotations/instances_{name}2017.json", {"1.jpg": [label]}, categories=(label,))


def voc(build, project, name, label):
    build.images(f"{project}/{name}/1.jpg")
    build.xml(f"{project}/{name}/1.xml", label)


def yolo(build, project, name, label):
    build.images(f"{project}/images/{name}/1.jpg")
    build.yolo(f"{project}/labels/{name}/1.txt", 0)
    build.text(f"{project}/classes.txt", f"{label}\n")


@pytest.fixture(params=[roboflow_coco, coco, voc, yolo])
def projects(build, request):
    """Two projects with a set train and a set val each."""
    for project, label in (("A", "cat"), ("B", "dog")):
        for name in ("train", "val"):
            request.param(build, project, name, label)
    return build.root


def test_sets_are_named_after_their_projects(projects):
    found = find_sets(projects)
    assert sorted(found.sets) == NAMES and found.projects() == ["A", "B"]
    for project, label in (("A", "cat"), ("B", "dog")):
        dataset = load_dataset("auto", projects, f"{project}/val", on_error="raise")
        assert dataset.classes == (label,) and len(dataset.records[0].boxes) == 1
        assert [f"/{project}/" in record.path for record in dataset.records] == [True]
        assert load_dataset("auto", projects / project, "train", on_error="raise").classes == (label,)


def test_a_set_that_several_projects_have_is_never_guessed(projects):
    message = (r"there is no image set 'train'; sets there: .*A/train.*; the folders A, B have sets of the same name: "
               r"name one .*, as in A/train\+B/train")
    with pytest.raises(DataError, match=message):
        load_dataset("auto", projects, "train")


def test_sets_of_projects_are_joined_by_name(projects):
    dataset = load_dataset("auto", projects, "A/train+B/train", on_error="raise")
    assert dataset.classes == ("cat", "dog") and [record.classes.tolist() for record in dataset.records] == [[0], [1]]


def test_trees_of_voc_of_one_year_in_two_folders(build):
    for project, label in (("A", "cat"), ("B", "dog")):
        build.images(f"{project}/VOC2007/JPEGImages/1.jpg")
        build.xml(f"{project}/VOC2007/Annotations/1.xml", label)
        build.text(f"{project}/VOC2007/ImageSets/Main/train.txt", "1\n")
    assert list(find_sets(build.root).sets) == ["A/VOC2007_train", "B/VOC2007_train"]
    with pytest.raises(DataError, match="no image set 'train'; sets there: A/VOC2007_train, B/VOC2007_train"):
        load_dataset("auto", build.root, "train")
    assert load_dataset("auto", build.root, "B/VOC2007_train", classes=["dog"]).records[0].classes.tolist() == [0]


def test_a_project_beside_another_that_has_no_part_in_common(build):
    voc(build, "A", "train", "cat")
    voc(build, "B", "val", "dog")
    assert list(find_sets(build.root).sets) == ["train", "val"]


def test_a_part_of_the_folder_itself_is_a_project_too():
    assert projects_of(["", "old", ""], ["train", "train", "val"]) == [".", "old", "."]
    assert projects_of(["", "a", "b"], ["train", None, None]) == ["", "", ""]
