"""The pages: what is in them, that every figure is marked, and that they come out the same twice."""
import csv
import json

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.experiments.paper_tables import (ablation, growth, output, paper_results, pictures, running,
                                                      scales, statistics)
from light_head_rcnn.experiments.paper_tables.row_counts import names_of
from light_head_rcnn.experiments.paper_tables.rows import ABLATION, ROWS, row_config, table_keys
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
        measured.put(f"memory/{name}", {"bytes": 300 * 2 ** 20})
    measured.put("growth", [
        dict(point, size=list(point["size"]), axis=axis, row=row, multiply_adds=1e9 * point["classes"] ** (row == "b2"),
             bytes_held=1e6, milliseconds=TIMES)
        for axis in growth.AXES for point in growth.settings_along(axis) for row in growth.ROWS])
    runs = output.runs_state(work, "shapes")
    for number, row in enumerate(ABLATION):
        for seed in range(3):
            metrics = dict.fromkeys(statistics.FIGURES, 0.1 + 0.02 * number + 0.001 * seed)
            runs.put(f"{row}/{seed}", {"metrics": metrics, "seconds": 1.0, "configuration": ""})
    output.write_all(root / "full" / "tables", work)
    output.write_all(root / "again" / "tables", work)
    return root


def read(written, which, name):
    return (written / which / "tables" / name).read_text()


def test_every_figure_is_marked(written):
    for which in ("empty", "full"):
        for key in table_keys("all"):
            table = json.loads(read(written, which, f"table_{key}.json"))
            assert table["rows"]
            for row in table["rows"]:
                assert row["figures"]
                for entry in row["figures"]:
                    assert entry["mark"] in ("measured", "quoted", "not run") and entry["source"]
                    assert (entry["value"] is None) == (entry["mark"] == "not run"), entry


def test_csv_holds_what_json_does(written):
    for key in table_keys("all"):
        table = json.loads(read(written, "full", f"table_{key}.json"))
        lines = list(csv.DictReader(read(written, "full", f"table_{key}.csv").splitlines()))
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
    assert "[1] the TensorFlow original, https://github.com/zengarden/light_head_rcnn" in page
    for table in table_keys("all"):
        for line in read(written, "full", f"table_{table}.md").splitlines():
            assert not line.startswith("|") or line.count("|") > 2


def test_tables_are_as_wide_as_their_heads(written):
    for name in ["README.md", "growth.md"] + [f"table_{key}.md" for key in table_keys("all")]:
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
    assert [entry["row"] for entry in order] == list(ABLATION)[::-1]
    assert [entry["told_apart_from_next"] for entry in order] == [True] * (len(ABLATION) - 1) + [None]
    assert steps["b2"]["change"] == pytest.approx(2.0) and steps["b2"]["verdict"] == "agrees"
    assert steps["thin_psroi_pool"]["verdict"] == "disagrees" and steps["large_separable"]["change"] == pytest.approx(4)
    page = read(written, "full", "README.md")
    assert "## The order that comes out on shapes" in page and "| +2.00 | disagrees | loses little |" in page


def test_changed_and_mixed_trainings_on_a_small_set_are_told(tmp_path):
    """Of one row nothing was found, for there was nothing to find."""
    state = output.runs_state(tmp_path / "work", "shapes")
    for row, words in (("b1", ["TRAIN.end_epoch=1"]), ("b2", ["TRAIN.end_epoch=1"]), ("thin_psroi_pool", [])):
        run, = scales.plan_runs([row], "shapes", 1, tmp_path, words)[0]
        metrics = dict.fromkeys(statistics.FIGURES, None if row == "b1" else 0.5)
        state.put(run.key, {"metrics": metrics, "seconds": 1.0, "configuration": run.text})
    changes = running.changes_of_runs(state, "shapes", tmp_path)
    results = statistics.summarize_runs(state, ["b1", "b2", "thin_psroi_pool"])
    page = ablation.ablation_markdown("shapes", results, changes)
    assert "the runs are mixed:** TRAIN.end_epoch is 1 in b1, b2, but 4 in thin_psroi_pool.\n" in page
    assert "with TRAIN.end_epoch 1 or 4; 3 runs, 0 minutes" in page and "not comparable" in page
    assert [entry["row"] for entry in ablation.rank_rows(results)] == ["b2", "thin_psroi_pool"]
    pictures.plot_ablation(results, ROWS, "shapes", tmp_path / "chain.png")
    state.put("thin_psroi_pool/0", None)
    output.write_all(tmp_path / "tables", tmp_path / "work")
    table = (tmp_path / "tables" / "table_2.md").read_text()
    assert "50.0 (1 runs) [" in table and "] this project, shapes, mean of runs with TRAIN.end_epoch 1" in table
    assert "the runs are mixed" not in (tmp_path / "tables" / "README.md").read_text()


def test_the_page_has_counted_figures(written):
    page = (written / "full" / "why-light.md").read_text()
    assert "19.49 million: 2.97 times" in page and "{" not in page
    assert "grow by a factor of 58.62 for R-FCN" in page


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
        picture = np.array(Image.open(str(written / "full" / "tables" / f"{name}.png")).convert("L"))
        assert picture.shape[1] > 1000 and picture.std() > 10


@pytest.fixture
def paper_pages(tmp_path):
    """Function from results, (row, overrides, AP), at the paper's scale to a function that reads a page by name."""
    def write(*results):
        state = output.paper_state(tmp_path / "work")
        for row, overrides, figure in results:
            metrics = dict(dict.fromkeys(statistics.FIGURES, figure), voc={"AP": figure + 0.2, "AP07": figure + 0.1})
            paper_results.keep_result(state, row, row_config(row, overrides), metrics, 60.0)
        output.write_all(tmp_path / "tables", tmp_path / "work")
        return lambda name: (tmp_path / "tables" / name).read_text()

    return write


def cells_of(page, label):
    """The cells of a row of the first table by their heads."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return dict(zip(split[0], next(cells for cells in split if cells[0] == label)))


def test_rows_that_were_trained_at_the_papers_scale_are_measured(paper_pages):
    read = paper_pages(("b2", [], 0.331), ("voc_s", [], 0.4))
    entries = {entry["figure"]: entry for row in json.loads(read("table_1.json"))["rows"] if row["name"] == "b2"
               for entry in row["figures"] if entry["mark"] == "measured" and entry["figure"] in statistics.FIGURES}
    assert set(entries) == set(statistics.FIGURES)
    assert entries["AP"]["value"] == pytest.approx(33.1) and entries["AP"]["unit"] == "%"
    assert entries["AP"]["source"] == "this project, coco minival2014"
    cells = cells_of(read("table_1.md"), ROWS["b2"])
    assert cells["AP at the paper's scale, here"] == "33.1" and cells["APl at the paper's scale, here"] == "33.1"
    assert cells["AP, quoted"] == "35.5"
    cells = cells_of(read("table_1.md"), ROWS["b1"])
    assert cells["AP at the paper's scale, here"] == "not run" and cells["APl at the paper's scale, here"] == ""
    cells = cells_of(read("table_more.md"), ROWS["voc_s"])
    assert cells["AP, VOC 2007 at the paper's scale, here"] == "50.0" and "AP, quoted" not in cells
    index = read("README.md")
    assert f"| {ROWS['b2']} | 33.1 |" in index and "The other rows were not run" in index


def test_figures_measured_here_stand_beside_the_first_quotation_alone(paper_pages):
    """The row with the hidden layer is quoted from two sources."""
    page = paper_pages(("hidden_fc", [], 0.36))("table_4.md")
    assert cells_of(page, ROWS["hidden_fc"])["AP at the paper's scale, here"] == "36.0"
    other = cells_of(page, "beside it: Light-Head R-CNN")
    assert other["AP, quoted"] == "38.2" and other["source"] == "[2]"
    assert other["AP at the paper's scale, here"] == other["AP, shapes, measured"] == ""


def test_a_changed_training_does_not_pass_for_the_papers(paper_pages):
    read = paper_pages(("b1", ["TRAIN.end_epoch", "2"], 0.05), ("b2", ["TRAIN.end_epoch", "2"], 0.07), ("b2", [], 0.3),
                       ("b2", ["dataset.dataset_path", "elsewhere"], 0.31))
    page = read("table_1.md")
    # b2 is quoted first, so that its source is number 2; the paper's own configuration goes before a changed one.
    assert cells_of(page, ROWS["b1"])["AP at the paper's scale, here"] == "5.0 [1]"
    assert "[1] this project, coco minival2014, with TRAIN.end_epoch 2" in page
    assert cells_of(page, ROWS["b2"])["AP at the paper's scale, here"] == "30.0"
    index = read("README.md")
    assert f"| {ROWS['b1']} | 5.0 (changed) |" in index and f"| {ROWS['b2']} | 30.0, 31.0, 7.0 (changed) |" in index


def test_what_was_not_run_is_said(paper_pages):
    index = paper_pages()("README.md")
    assert "Not run: it takes COCO or VOC" in index and "(changed)" not in index
