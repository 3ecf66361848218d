"""The pages: what is in them, that every figure is marked, and that they come out the same twice."""
import csv
import json

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.experiments.paper_tables import growth, output, paper, statistics
from light_head_rcnn.experiments.paper_tables.assemble import names_of
from light_head_rcnn.experiments.paper_tables.rows import CHAIN, ROWS, table_keys
from light_head_rcnn.experiments.paper_tables.stages import STAGES

TIMES = {"median": 10.0, "low": 9.0, "high": 11.0}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folders of pages written from nothing, and from made-up measurements."""
    root = tmp_path_factory.mktemp("tables")
    output.write_all(root / "empty" / "tables", root / "nothing")
    work = root / "work"
    measured = output.measured_state(work)
    names = dict.fromkeys(name for key in table_keys("all") for name in names_of(key))
    times = {name: dict.fromkeys(STAGES + ("total",), TIMES) for name in ROWS}
    times.update({name: {"network": TIMES, "total": dict(TIMES, median=40.0)} for name in names if name not in times})
    times["ssd_300_vgg16 without NMS"] = times["ssd_300_vgg16"]
    measured.put("machine", {"cpu": "an abacus", "cpus": 2, "threads": 2, "mxnet": "1.9.1", "python": "3.11",
                             "date": "2026-11-22"})
    measured.put("times", times)
    for name in names:
        measured.put("memory/" + name, {"bytes": 300 * 2 ** 20})
    measured.put("growth", [
        dict(point, size=list(point["size"]), axis=axis, row=row, multiply_adds=1e9 * point["classes"] ** (row == "b2"),
             bytes_held=1e6, milliseconds=TIMES)
        for axis in growth.AXES for point in growth.points(axis) for row in growth.ROWS])
    runs = output.runs_state(work, "shapes")
    for number, row in enumerate(CHAIN):
        for seed in range(3):
            runs.put("%s/%d" % (row, seed), {"metrics": dict.fromkeys(statistics.FIGURES, 0.1 + 0.02 * number + 0.001
                                                                      * seed), "seconds": 1.0, "configuration": ""})
    output.write_all(root / "full" / "tables", work)
    output.write_all(root / "again" / "tables", work)
    return root


def read(written, which, name):
    return (written / which / "tables" / name).read_text()


def test_every_figure_is_marked(written):
    for which in ("empty", "full"):
        for key in table_keys("all"):
            table = json.loads(read(written, which, "table_%s.json" % key))
            assert table["rows"]
            for row in table["rows"]:
                assert row["figures"]
                for entry in row["figures"]:
                    assert entry["mark"] in ("measured", "quoted", "not run") and entry["source"]
                    assert (entry["value"] is None) == (entry["mark"] == "not run"), entry


def test_csv_holds_what_json_does(written):
    for key in table_keys("all"):
        table = json.loads(read(written, "full", "table_%s.json" % key))
        lines = list(csv.DictReader(read(written, "full", "table_%s.csv" % key).splitlines()))
        entries = [(row, entry) for row in table["rows"] for entry in row["figures"]]
        assert len(lines) == len(entries)
        for line, (row, entry) in zip(lines, entries):
            assert (line["row"], line["figure"], line["mark"]) == (row["name"] or "", entry["figure"], entry["mark"])
            assert line["value"] == ("" if entry["value"] is None else str(entry["value"]))


def test_markdown_sets_ours_beside_the_papers(written):
    page = read(written, "full", "table_8.md")
    row, = (line for line in page.splitlines() if line.startswith("| Light-Head R-CNN S, 800/1200 | 31.5"))
    assert "| 95 |" in row and "not run" in row
    assert "SSD300, VGG-16 (GluonCV) | 25.1 | 58" in page and "an abacus" in page
    page = read(written, "full", "table_1.md")
    assert "10.1 ± 0.1 (3 runs)" in page and "AP, shapes, measured" in page
    assert "[1] the authors' TensorFlow code, https://github.com/zengarden/light_head_rcnn" in page
    for table in table_keys("all"):
        for line in read(written, "full", "table_%s.md" % table).splitlines():
            assert not line.startswith("|") or line.count("|") > 2


def test_tables_are_as_wide_as_their_heads(written):
    for name in ["README.md", "growth.md"] + ["table_%s.md" % key for key in table_keys("all")]:
        width = None
        for line in read(written, "full", name).splitlines():
            if line.startswith("|"):
                assert width in (None, line.count("|"))
                width = line.count("|")
            else:
                width = None


def test_nothing_is_claimed_that_was_not_run(written):
    page = read(written, "empty", "README.md")
    assert "fails" not in page and page.count("| not run |") > 5
    assert "not run" in read(written, "empty", "table_5.md")
    assert "(not run)" in (written / "empty" / "why-light.md").read_text()
    full = json.loads(read(written, "full", "checks.json"))
    assert {check["holds"] for check in full} == {True, False}


def test_the_order_of_rows_is_told(written):
    chain = json.loads(read(written, "full", "chain.json"))["shapes"]
    order, steps = chain["order"], {step["row"]: step for step in chain["steps"]}
    assert [entry["row"] for entry in order] == list(CHAIN)[::-1]
    assert [entry["told_apart_from_next"] for entry in order] == [True] * (len(CHAIN) - 1) + [None]
    assert steps["b2"]["change"] == pytest.approx(2.0) and steps["b2"]["verdict"] == "agrees"
    assert steps["thin_psroi_pool"]["verdict"] == "disagrees" and steps["large_separable"]["change"] == pytest.approx(4)
    page = read(written, "full", "README.md")
    assert "## The order that comes out on shapes" in page and "| +2.00 | disagrees | loses little |" in page


def test_the_page_has_counted_figures(written):
    page = (written / "full" / "why-light.md").read_text()
    assert "19.49 million: 2.97 times" in page and "{" not in page
    assert "grow 58.62 times for R-FCN" in page


def test_growth_has_a_page(written):
    page = read(written, "full", "growth.md")
    assert "| R-FCN (B2) | multiply-adds, G | 21.0 | 81.0 | 601.0 | 1231.0 |" in page
    assert "classes 81, rois 1000, size 800x1200" in page and "(growth.md)" in read(written, "full", "README.md")
    assert "growth.md" not in read(written, "empty", "README.md")
    pages = [(written / name / "why-light.md").read_text() for name in ("full", "empty")]
    assert ["tables/growth.png" in page for page in pages] == [True, False]


def test_twice_gives_the_same_bytes(written):
    names = sorted(path.relative_to(written / "full") for path in (written / "full").rglob("*") if path.is_file())
    assert len(names) > 35
    for name in names:
        assert (written / "full" / name).read_bytes() == (written / "again" / name).read_bytes(), name


def test_pictures_are_drawn(written):
    for name in ("speed", "stages", "growth", "chain_shapes"):
        picture = np.array(Image.open(str(written / "full" / "tables" / (name + ".png"))).convert("L"))
        assert picture.shape[1] > 1000 and picture.std() > 10


def test_what_is_missing_at_the_papers_scale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    l_row, s_row = paper.jobs(["psroi_align", "s_700"], gpus=0)
    assert [lack.what.split()[0] for lack in l_row.missing] == ["data", "weights", "a"]
    assert "13.5 GB, http://images.cocodataset.org" in l_row.missing[0].remedy
    assert "about 170 MB" in l_row.missing[1].remedy and "about 4 MB" in s_row.missing[1].remedy
    told = []
    paper.run_jobs([l_row, s_row], output.paper_state(tmp_path), tmp_path, told.append)
    assert told[0].startswith("psroi_align: not run, for there is no\n  data (./data/coco/annotations/")
    assert sum(text.startswith("\nTo get a GPU") for text in told) == 1


def test_what_lacks_nothing_runs_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("VOC2007/ImageSets/Main", "VOC2007/JPEGImages", "VOC2012/ImageSets/Main", "VOC2012/JPEGImages"):
        (tmp_path / "voc" / folder).mkdir(parents=True, exist_ok=True)
    for name in ("VOC2007/ImageSets/Main/trainval", "VOC2007/ImageSets/Main/test", "VOC2012/ImageSets/Main/trainval"):
        (tmp_path / "voc" / (name + ".txt")).write_text("")
    (tmp_path / "weights-0000.params").write_text("")
    overrides = ["dataset.dataset_path", str(tmp_path / "voc"), "network.pretrained", str(tmp_path / "weights")]
    job, = paper.jobs(["voc_l"], overrides, ["--gpus", "0"], gpus=1)
    assert job.missing == []
    done, state = [], output.paper_state(tmp_path)
    for _ in range(2):
        paper.run_jobs([job], state, tmp_path, lambda text: None, lambda words, log: done.append(paper.readable(words)))
    assert done == ["python experiments/train_end2end.py --cfg experiments/cfgs/paper/voc_l.yaml --gpus 0 --resume "
                    + " ".join(overrides)]
