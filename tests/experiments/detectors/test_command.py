"""The command `lhrcnn benchmark detectors`: our candidates on tiny images, its tables, files and messages."""
import json

import pytest
from PIL import Image

from light_head_rcnn.experiments.benchmarks.detectors import benchmark, candidate, goals, ours, table
from light_head_rcnn.experiments.benchmarks.detectors.candidate import MXNET, ONNXRUNTIME, OPENVINO
from light_head_rcnn.experiments.commands import benchmark as command


@pytest.mark.slow
def test_our_candidates_run_each_part(monkeypatch, tmp_path, capsys):
    """Setting S on a 96x144 image, in MXNet and ONNX Runtime."""
    pytest.importorskip("onnxruntime")
    size = (96, 144)
    monkeypatch.setattr(ours, "SIZES", {ours.S: (size,)})
    monkeypatch.setattr(ours, "ROWS", {size: 1000})
    monkeypatch.setattr(ours, "STREAMED", (ours.S, size))
    monkeypatch.setattr(ours, "ENGINES", {ONNXRUNTIME: ("onnxruntime", ("float32", "bfloat16"))})
    words = ["detectors", "--quick", "--only", "s", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    assert command.main(words) == 0
    found = json.loads((tmp_path / "out" / "detectors.json").read_text())
    assert [row["label"] for row in found["rows"]] == [f"{ours.S} 96x144 {engine} float32" for engine in (
        MXNET, ONNXRUNTIME)]
    for row in found["rows"]:
        assert set(row["parts"]) == set(candidate.IMAGES)
        assert row["work"]["rois"] == 300 and 500 < row["work"]["candidates"] < 1100
        assert 0.3 < row["work"]["gflop"] < 3
    (name, reason), = found["skipped"]
    assert name.endswith("ONNX Runtime, bfloat16") and "does not compute in bfloat16" in reason
    assert [goal["verdict"] for goal in found["goals"]] == [goals.NOT_RUN] * 6
    assert {"machine", "versions", "rounds", "repeats", "loads", "rates"} < set(found)
    assert (tmp_path / "out" / "detectors.txt").read_text() in capsys.readouterr().out
    assert Image.open(tmp_path / "out" / "detectors.png").size[0] > 500
    # The folder keeps weights and exports: the second run changes none of them.
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*") if path.suffix != ".jpg"}
    assert command.main(words) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*") if path.suffix != ".jpg"}


def test_tables_fit_in_120_columns(make_row):
    rows = [make_row(name, "800x1200", engine, precision, [1234.5, 1234.5], 123.4, candidate.IMAGES)
            for name in benchmark.KEYS.values() for engine in (OPENVINO, ONNXRUNTIME)
            for precision in ("float32", "bfloat16", "int8")]
    lines = table.format_tables({"rows": rows, "goals": goals.check_goals(rows), "rates": goals.rates(rows),
                                 "skipped": [("GluonCV", "it cannot be imported: " + 200 * "x")]})
    assert max(map(len, lines)) < 120
    text = "\n".join(lines)
    assert all(name in text for name in benchmark.KEYS.values())
    assert "not reached  S at 800x1200: 1.3 times" in text and "not run      S at 800x1200: 4 times" in text


@pytest.mark.parametrize("words, message", [(["--only", "vgg"], "there is no 'vgg'; known: s, l, ssd300"),
                                            (["--rounds", "0"], "--rounds is 0; it must be at least 1"),
                                            (["--repeats", "0"], "--repeats is 0")])
def test_wrong_words(capsys, words, message):
    assert command.main(["detectors", *words]) == 2
    assert message in capsys.readouterr().err


def test_missing_peers_are_listed(monkeypatch, tmp_path):
    monkeypatch.setattr(benchmark.gluoncv_peers, "candidates", lambda *_: [])
    found = benchmark.run(["ssdlite", "fasterrcnn"], 1, 1, "/bin/true", str(tmp_path), lambda line: None)
    assert found["rows"] == [] and [name for name, _ in found["skipped"]] == [
        "torchvision Faster R-CNN", "torchvision SSDLite320"]
