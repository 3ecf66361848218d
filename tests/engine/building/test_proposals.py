"""The proposals of a configuration, and what is said where it names none or not enough."""
import json
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data import make_record
from light_head_rcnn.engine.building.proposals import build_proposals, proposals_checksum
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.errors import ConfigError, DataError

RECORDS = [make_record(i, f"/data/{i}.jpg", 50, 40, []) for i in range(3)]
DATASET = SimpleNamespace(records=RECORDS, name="voc train")


def build(files, proposal="file", limit=10):
    return build_proposals(load_config(None, {"dataset.proposal": proposal, "dataset.proposal_files": files,
                                              "TRAIN.ENABLE_OHEM": False, "TRAIN.BATCH_ROIS": 64}), DATASET, limit)


def test_files_are_merged(tmp_path):
    for name, of_images in (("a", (0, 1)), ("b", (2, 7))):
        (tmp_path / f"{name}.json").write_text(json.dumps({f"{i}.jpg": [[i, 0, 30, 30], [0, i, 20, 20]]
                                                           for i in of_images}))
    found = build([str(tmp_path / "a.json"), str(tmp_path / "b.json")], limit=1)
    for i, record in enumerate(RECORDS):
        np.testing.assert_array_equal(found.of(record), [[i, 0, 30, 30]])
    with pytest.raises(DataError, match="a.json: 1 of the 3 images of voc train have no entry, such as /data/2.jpg.* "
                                        "lhrcnn proposals --method"):
        build([str(tmp_path / "a.json")])


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(ConfigError, match="dataset.proposal_files names no file.*lhrcnn proposals --method"):
        build([])
    with pytest.raises(ConfigError, match="dataset.proposal is rpn, but .*set it to file.*lhrcnn proposals --method"):
        build(["a.npz"], "rpn")
    with pytest.raises(DataError, match="a.npz: there is no such file of proposals; lhrcnn proposals"):
        build([str(tmp_path / "a.npz")])


def test_a_checksum_tells_boxes_apart_and_files_not(tmp_path):
    def checksum(name, boxes):
        (tmp_path / name).write_text(json.dumps({f"{i}.jpg": boxes[i] for i in range(3)}))
        return proposals_checksum(RECORDS, build([str(tmp_path / name)]))

    first = checksum("a.json", [[[0, 0, 30, 30]], [[1, 1, 20, 20], [2, 2, 20, 20]], []])
    assert first == checksum("b.json", [[[0, 0, 30, 30]], [[1, 1, 20, 20], [2, 2, 20, 20]], []])
    assert first != checksum("c.json", [[[0, 0, 30, 30]], [[1, 1, 20, 20], [2, 2, 20, 21]], []])
    assert first != checksum("d.json", [[[0, 0, 30, 30]], [[1, 1, 20, 20]], [[2, 2, 20, 20]]])
