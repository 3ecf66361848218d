"""lhrcnn proposals: on folders and configurations, the files that it writes, their recall, and mistakes."""
import json

import numpy as np
import pytest
import yaml

from light_head_rcnn.data.proposals.methods import FoundBoxes
from light_head_rcnn.experiments.commands import proposals


class Stub:
    """Stands in for OpenCV: finds the box of the first cat of `labelimg`, and one more."""

    def __init__(self, method, mode, limit, width, edge_model):
        self.method, self.mode, self.settings = method, mode, {"max": limit, "width": width}

    def __call__(self, record):
        scores = np.float32([0.9, 0.1]) if self.method == "edge_boxes" else None
        return FoundBoxes(np.float32([[4, 4, 39, 39], [0, 0, 9, 9]]), scores), None


@pytest.fixture
def stub(monkeypatch):
    monkeypatch.setattr(proposals, "ProposalFinder", Stub)


def test_a_folder(lhrcnn, labelimg, tmp_path, stub):
    words = ["proposals", "--method", "selective_search", "--workers", "0", "--out", tmp_path / "out", labelimg]
    status, out, _ = lhrcnn(*words)
    file = tmp_path / "out" / "my_photos-all-selective_search-fast.npz"
    assert status == 0 and file.is_file() and f"{file}: 20 images of the set all, 0 of them found before" in out
    # Twenty cats are found, eight dogs are not.
    assert "2.0 proposals an image; percent of the 28 boxes in 20 images" in out
    rows = [line.split() for line in out.splitlines() if line.startswith("  ")]
    assert [row[0] for row in rows if row[0].isdigit()] == ["100", "300", "1000", "2000"]
    assert next(row for row in rows if row[0] == "2000")[1:] == ["71.4"] * 11
    lines = yaml.safe_load(out[out.index("dataset:"):])["dataset"]
    assert lines == {"proposal": "file", "proposal_files": [str(file)]}
    status, out, _ = lhrcnn(*words)
    assert status == 0 and "20 images of the set all, 20 of them found before\n" in out


def test_the_sets_of_a_configuration(lhrcnn, coco, tmp_path, stub):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"dataset": {"dataset_path": str(coco), "image_set": "train",
                                                                    "test_image_set": "val"}}))
    status, out, _ = lhrcnn("proposals", "--method", "edge_boxes", "--cfg", tmp_path / "mine.yaml", "--out", tmp_path,
                            "--max", "300", "--workers", "0", "TRAIN.lr=0.1")
    assert status == 0
    assert [path.name for path in sorted(tmp_path.glob("*.npz"))] == ["coco-train-edge_boxes.npz",
                                                                     "coco-val-edge_boxes.npz"]
    assert "set train: 2.0 proposals" in out and "set val: 2.0 proposals" in out
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  ")][1:3] == ["100", "300"]


def test_images_that_cannot_be_read_are_told(lhrcnn, coco, tmp_path, stub):
    file = coco / "annotations" / "instances_train.json"
    content = json.loads(file.read_text())
    for image in content["images"]:  # sizes that the files themselves must tell
        del image["width"], image["height"]
    file.write_text(json.dumps(content))
    (coco / "train" / "0.jpg").write_bytes(b"no image")
    words = ["--set", "train", "--on-error", "skip", coco]
    status, out, _ = lhrcnn("proposals", "--method", "edge_boxes", "--workers", "0", "--out", tmp_path, *words)
    assert status == 1 and "2 images of the set train" in out
    assert "faults in train, their number, and what is done about them:\n  image_unreadable        1  drop" in out
    status, out, _ = lhrcnn("proposals", "--recall", tmp_path / "coco-train-edge_boxes.npz", *words)
    assert status == 1 and "faults in train" in out


def test_the_recall_of_boxes_that_are_there(lhrcnn, coco, tmp_path):
    for name, count in (("train", 3), ("val", 2)):
        (tmp_path / f"{name}.json").write_text(json.dumps({f"{name}/{i}.jpg": [[5, 5, 34, 34]] for i in range(count)}))
    status, out, _ = lhrcnn("proposals", "--recall", tmp_path / "train.json", tmp_path / "val.json", coco)
    assert status == 0 and "set train: 1.0 proposals" in out and "set val: " in out and "dataset:" not in out
    status, out, _ = lhrcnn("proposals", "--recall", tmp_path / "val.json", "--set", "val", "--max", "1", coco)
    assert status == 0 and "set train" not in out
    status, _, err = lhrcnn("proposals", "--recall", tmp_path / "val.json", coco)
    assert status == 2 and "val.json: its images, such as 'val/0.jpg', are others than" in err
    (tmp_path / "train.json").write_text('{"train/0.jpg": []}')
    status, _, err = lhrcnn("proposals", "--recall", tmp_path / "train.json", coco, "--set", "train")
    assert status == 2 and "2 of the 3 images of the set train have no entry, such as" in err


@pytest.mark.parametrize("words, message", [
    (["--method", "selective_search"], "name a data set, or a configuration"),
    (["--method", "selective_search", "a.npz", "photos"], "so what is a.npz?"),
    (["--recall", "photos"], "--recall FILE ... DATASET"), (["--recall", "--cfg", "bccd_s"], "--recall needs files"),
    (["--method", "edge_boxes", "photos", "TRAIN.lr=1"], "TRAIN.lr=1 changes a configuration"),
    (["--method", "edge_boxes", "--cfg", "bccd_s", "--image-root", "x"], "dataset.image_root=FOLDER"),
    (["--method", "edge_boxes", "--cfg", "bccd_s", "--max-megapixels", "5"], "leave out --image-root"),
    (["--method", "edge_boxes", "--max", "0", "photos"], "--max must be at least 1"),
    (["--recall", "a.npz", "nowhere"], "nowhere"), ([], "--method"), (["--method", "magic", "photos"], "magic"),
])
def test_mistakes(lhrcnn, words, message):
    status, _, err = lhrcnn("proposals", *words)
    assert status == 2 and message in err
