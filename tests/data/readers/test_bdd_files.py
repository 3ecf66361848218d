import json

from light_head_rcnn.data.readers.bdd_files import read_bdd_file

CAR = {"id": "1", "category": "car", "attributes": {"occluded": False, "truncated": False, "crowd": False},
       "box2d": {"x1": 10.5, "y1": 20, "x2": 39, "y2": 59.25}}
LANE = {"id": "2", "category": "lane", "poly2d": [{"vertices": [[1, 2], [3, 4]], "closed": False}]}


def read(tmp_path, *entries, **options):
    (tmp_path / "det_train.json").write_text(json.dumps(entries))
    raw = read_bdd_file(str(tmp_path / "det_train.json"), ["images"], **options)
    assert (raw.box_format, raw.image_folders) == ("corners", ("images",))
    return list(raw.images)


def test_reads_boxes_and_images_without(tmp_path):
    entries = ({"name": "a.jpg", "attributes": {"weather": "clear"}, "timestamp": 10000, "labels": [LANE, CAR]},
               {"name": "b.jpg", "timestamp": 10000}, {"name": "c.jpg", "labels": None})
    a, b, c = read(tmp_path, *entries)
    assert (a.image_id, a.name) == ("a", "a.jpg")
    assert [(o.position, o.label, o.box, o.crowd) for o in a.objects] == [(2, "car", [10.5, 20, 39, 59.25], False)]
    assert b.objects == c.objects == [] and b.fault is None
    assert read(tmp_path, *entries, with_labels=False)[0].objects == []


def test_broken_entries_are_faults(tmp_path):
    nameless, listless, broken = read(tmp_path, {"labels": []}, {"name": "a.jpg", "labels": 3},
                                      {"name": "b.jpg", "labels": [{"category": "car", "box2d": {"x1": 1}}, 7]})
    assert nameless.fault[0] == listless.fault[0] == "image_entry_broken"
    assert [o.box for o in broken.objects] == [{"x1": 1}]
