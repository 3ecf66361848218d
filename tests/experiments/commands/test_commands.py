"""The commands from end to end, with setting S on small images: test, detect, export and the exported files alone."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import __version__
from light_head_rcnn.data import IMAGE_EXTENSIONS
from light_head_rcnn.engine import config
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.networks import save_checkpoint
from light_head_rcnn.engine.deploy import export as exporting
from light_head_rcnn.engine.deploy import exported as exports
from light_head_rcnn.engine.deploy.exported import load_exported
from light_head_rcnn.engine.evaluation import run as testing
from light_head_rcnn.engine.inference import pictures
from light_head_rcnn.engine.inference.image_files import find_images
from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.experiments.commands import detect, export, main, test, train

CLASSES = ("disc", "bar")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """Folder with a COCO data set of four images, a configuration, and a checkpoint of random weights."""
    root = tmp_path_factory.mktemp("workshop")
    rng = np.random.RandomState(0)
    images, annotations = [], []
    (root / "data" / "val").mkdir(parents=True)
    (root / "data" / "annotations").mkdir()
    for number in range(1, 5):
        size = (96, 64) if number % 2 else (64, 96)
        Image.fromarray(rng.randint(0, 256, size[::-1] + (3,)).astype(np.uint8)).save(root / f"data/val/{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": size[0], "height": size[1]})
        annotations.append({"id": number, "image_id": number, "category_id": 5, "bbox": [8, 8, 30, 30], "iscrowd": 0,
                            "area": 900})
    (root / "data/annotations/instances_val.json").write_text(json.dumps({
        "info": {}, "images": images, "annotations": annotations,
        "categories": [{"id": 5, "name": CLASSES[0]}, {"id": 9, "name": CLASSES[1]}]}))
    (root / "row.yaml").write_text(f"""
output_path: {root / "out"}
SCALES: [64, 96]
network: {{model: light_head_rcnn_xception_coco, NORM: batch, ANCHOR_SCALES: [1, 2]}}
dataset: {{dataset: coco, dataset_path: {root / "data"}, test_image_set: val}}
TRAIN: {{model_prefix: row}}
TEST: {{RPN_POST_NMS_TOP_N: 50}}
""")
    cfg = config.load_config(root / "row.yaml")
    mx.random.seed(0)
    net = build_net(cfg, CLASSES)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd")
    save_checkpoint(config.checkpoint_prefix(cfg), net, trainer, 2, 20, {"config": config.saved_config(cfg)})
    return root


def run(command, workshop, *words):
    return command.main(["--cfg", str(workshop / "row.yaml"), "--cpu", *map(str, words)])


def test_testing_writes_results_that_pycocotools_reads(workshop, capsys):
    assert run(test, workshop, "--out", workshop / "tested") == 0
    printed = capsys.readouterr().err
    assert "row-0002.params" in printed and "disc" in printed and "AP50" in printed
    metrics = json.loads((workshop / "tested" / "metrics.json").read_text())
    results = json.loads((workshop / "tested" / "results.json").read_text())
    assert metrics["images"] == 4 and metrics["detections"] == len(results) > 0
    assert {result["category_id"] for result in results} <= {5, 9}
    assert set(metrics["coco"]["per_class"]) == set(metrics["voc"]["per_class"]) == set(CLASSES)
    from pycocotools.coco import COCO
    assert len(COCO(str(workshop / "data/annotations/instances_val.json")).loadRes(results).anns) == len(results)


def test_testing_takes_overrides_and_checkpoints(workshop, tmp_path):
    found = {}
    for top in (100, 3):
        assert run(test, workshop, "--epoch", 2, "--out", tmp_path, "TEST.max_per_image", top) == 0
        found[top] = len(json.loads((tmp_path / "results.json").read_text()))
    assert found[3] <= 12 < found[100]
    assert run(test, workshop, "--checkpoint", workshop / "out/row-0002.params", "--out", tmp_path) == 0


def test_an_image_that_breaks_is_left_out_of_a_test(workshop, tmp_path, capsys):
    shutil.copytree(workshop / "data", tmp_path / "data")
    image = tmp_path / "data/val/2.png"
    # The header says what it said; the pixels are no pixels.
    content = image.read_bytes()
    image.write_bytes(content[:41] + b"\xff" * (len(content) - 53) + content[-12:])
    assert run(test, workshop, "--out", tmp_path / "out", f"dataset.dataset_path={tmp_path / 'data'}") == 1
    assert "1 images could not be read" in capsys.readouterr().err
    metrics, report = (json.loads((tmp_path / "out" / name).read_text()) for name in ("metrics.json", "dataset.json"))
    assert (metrics["images"], metrics["images_left_out"], report["images"]) == (3, 1, 3)
    assert [fault["count"] for fault in report["faults"].values()] == [1]


def results_of(workshop, folder, *overrides):
    assert run(test, workshop, "--out", folder, *overrides) == 0
    return json.loads((folder / "results.json").read_text())


def test_soft_suppression_is_an_option(workshop, tmp_path):
    hard, soft = results_of(workshop, tmp_path), results_of(workshop, tmp_path, "TEST.USE_SOFTNMS", True)
    assert len(soft) > len(hard)


@pytest.mark.slow
@pytest.mark.parametrize("soft", [False, True])
def test_testing_at_several_scales(workshop, tmp_path, soft):
    soft = "TEST.USE_SOFTNMS", soft
    once = results_of(workshop, tmp_path, *soft)
    # All three make the same of images of 96x64.
    assert once == results_of(workshop, tmp_path, *soft, "TEST.SCALES", "[[64, 96], [64, 96], [80, 96]]")
    mirrored = results_of(workshop, tmp_path, *soft, "TEST.FLIP", True)
    several = results_of(workshop, tmp_path, *soft, "TEST.SCALES", "[[64, 96], [96, 144]]", "TEST.FLIP", "true")
    for others in (mirrored, several):
        assert others and others != once
    assert several != mirrored
    assert max(result["bbox"][0] + result["bbox"][2] for result in several) <= 96


@pytest.mark.parametrize("words, message", [
    (["--epoch", "7"], "row-0007"),
    (["--checkpoint", "nowhere/net-0001"], "nowhere/net-0001"),
    (["dataset.dataset_path", "/nowhere"], "/nowhere"),
    (["dataset.test_image_set="], "dataset.test_image_set is empty"),
    (["dataset.classes", "ball,cube"], "the detector has the classes disc, bar, and coco val has ball, cube"),
    (["CLASS_AGNOSTIC", "false"], "CLASS_AGNOSTIC: True in the checkpoint, False now"),
    (["network.LIGHT_HEAD_RELU=after_sum"], "network.LIGHT_HEAD_RELU: 'inside' in the checkpoint, 'after_sum' now"),
    (["network.PIXEL_STDS=57,57,57"], "network.PIXEL_STDS"), (["network.ROI_POOL", "psroi_align"], "network.ROI_POOL"),
])
def test_mistakes_are_explained(workshop, capsys, words, message):
    assert run(test, workshop, *words) == 2
    error = capsys.readouterr().err
    assert "error: " in error and message in error and "Traceback" not in error


def test_parameters_that_do_not_fit_are_listed_or_left_out(workshop, tmp_path, capsys):
    arrays = mx.nd.load(str(workshop / "out/row-0002.params"))
    del arrays["arg:conv1_weight"]
    arrays["arg:more"] = mx.nd.zeros(3)
    mx.nd.save(str(tmp_path / "x.params"), arrays)
    words = ["--checkpoint", tmp_path / "x.params", "--out", tmp_path, "dataset.classes", ",".join(CLASSES)]
    assert run(test, workshop, *words) == 2
    assert run(test, workshop, "--allow-partial", *words) == 0
    refused, gone_on = capsys.readouterr().err.split("coco val: 4 images")[0].rsplit("were not loaded", 1)
    for printed in (refused, gone_on):
        assert "missing in the file: conv1_weight (24, 3, 3, 3)\n  unknown to the network: more (3,)" in printed
    assert "error: " in refused


@pytest.fixture(scope="module")
def exported(workshop):
    assert run(export, workshop, "--out", workshop / "models", "--check", workshop / "data/val") == 0
    return workshop / "models" / "row"


def test_exported_files_hold_numbers_and_names(exported):
    names = sorted(path.name for path in exported.parent.iterdir())
    assert names == ["row-0000.params", "row-meta.json", "row-symbol.json"]
    meta = json.loads(Path(f"{exported}-meta.json").read_text())
    assert meta["classes"] == list(CLASSES) and (meta["short_edge"], meta["long_edge"]) == (64, 96)
    assert meta["means"] == [123.15, 115.9, 103.06] and meta["thresholds"]["nms"] == 0.3
    graph = json.loads(Path(f"{exported}-symbol.json").read_text())
    assert not any(node["op"] == "Custom" for node in graph["nodes"])


def test_the_exported_files_alone_answer_the_same(workshop, exported):
    detector = load_exported(exported)
    tested = {}
    assert run(test, workshop, "--out", workshop / "again") == 0
    for result in json.loads((workshop / "again" / "results.json").read_text()):
        tested.setdefault(result["image_id"], []).append(result)
    for number in range(1, 5):
        ids, scores, boxes = detector(workshop / f"data/val/{number}.png")
        assert len(ids) == len(tested[number]) > 0
        assert [{5: 0, 9: 1}[result["category_id"]] for result in tested[number]] == ids.tolist()
        np.testing.assert_allclose(scores, [result["score"] for result in tested[number]], atol=1e-5)
        x, y, width, height = np.array([result["bbox"] for result in tested[number]]).T
        np.testing.assert_allclose(boxes, np.stack([x, y, x + width - 1, y + height - 1], 1), atol=1e-2)


def test_export_notices_another_answer(workshop, exported, monkeypatch, capsys, tmp_path):
    other = load_exported(exported)
    weight = [p for name, p in other.net.collect_params().items() if name == "cls_score_bias"][0]
    weight.set_data(weight.data() + mx.nd.array([1, 0, 0]))
    monkeypatch.setattr(exports, "load_exported", lambda *_: other)
    assert run(export, workshop, "--out", tmp_path) == 1
    assert "does not give the same detections" in capsys.readouterr().err


@pytest.mark.parametrize("end, content, message", [
    ("-symbol.json", None, "not a whole one"), ("-meta.json", None, "not a whole one"),
    ("-meta.json", "{}", "does not describe"), ("-meta.json", '{"format": 1', "does not describe"),
    ("-symbol.json", "{}", "cannot be read as a network"),
    ("-0000.params", "junk", "cannot be read as an MXNet parameter file: it ends early")])
def test_damaged_exports(exported, tmp_path, end, content, message):
    for path in exported.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged = tmp_path / ("row" + end)
    damaged.unlink() if content is None else damaged.write_text(content)
    with pytest.raises(CheckpointError, match=message):
        load_exported(tmp_path / "row")


@pytest.fixture
def photographs(workshop, tmp_path):
    """A file, and a folder with images of one name in subfolders, a text, and a broken image."""
    pixels = Image.open(workshop / "data/val/1.png").convert("RGB")
    folder = tmp_path / "photographs"
    for path in ("a/x.jpg", "a/x.jpeg", "b/x.JPG", "y.png"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        pixels.save(folder / path)
    (folder / "notes.txt").write_text("no image")
    return folder


def test_demo_draws_everything_it_can_read(workshop, photographs, tmp_path, capsys):
    (photographs / "broken.jpg").write_text("not an image")
    code = run(detect, workshop, "--threshold", 0.3, "--out", tmp_path / "out", photographs, photographs / "y.png")
    error = capsys.readouterr().err
    assert code == 1 and "broken.jpg" in error and "not readable: 1;" in error and "notes.txt" not in error
    entries = json.loads((tmp_path / "out/detections.json").read_text())
    assert [entry["picture"] for entry in entries] == ["a/x.jpg", "a/x-2.jpg", "b/x.jpg", "y.png", "y-2.png"]
    assert any(entry["detections"] for entry in entries)
    for entry in entries:
        assert Image.open(tmp_path / "out" / entry["picture"]).size == Image.open(entry["image"]).size
        for found in entry["detections"]:
            assert found["class"] in CLASSES and found["score"] >= 0.3
            assert 0 <= found["box"][0] <= 95 and found["box"][3] <= 63


@pytest.mark.slow
def test_demo_and_test_detect_the_same_at_several_scales(workshop, tmp_path):
    scales = ["TEST.SCALES", "[[64, 96], [96, 144]]", "TEST.FLIP", "true"]
    results = results_of(workshop, tmp_path, *scales)
    assert run(detect, workshop, "--threshold", 0.0, "--out", tmp_path, workshop / "data/val", *scales) == 0
    entries = json.loads((tmp_path / "detections.json").read_text())
    assert [found["score"] for entry in entries for found in entry["detections"]] == pytest.approx(
        [result["score"] for result in results], abs=1e-3)


def test_an_export_says_that_it_looks_once(workshop, tmp_path, capsys):
    assert run(export, workshop, "--out", tmp_path, "--name", "x", "TEST.SCALES", "[[96, 144], [64, 96]]") == 0
    assert "at 96/144, the first of the test scales, not mirrored" in capsys.readouterr().err
    assert json.loads((tmp_path / "x-meta.json").read_text())["short_edge"] == 96
    assert len(load_exported(tmp_path / "x")(workshop / "data/val/1.png")[0])


def test_pictures_of_equal_names_are_numbered(tmp_path):
    paths = [tmp_path / folder / "x.png" for folder in "abcd"]
    for path in paths:
        path.parent.mkdir()
        path.write_text("")
    assert [str(name) for _, name in find_images(paths)] == ["x.png", "x-2.png", "x-3.png", "x-4.png"]


def test_every_extension_that_can_be_read_is_looked_for(tmp_path):
    for suffix in IMAGE_EXTENSIONS:
        (tmp_path / ("x" + suffix)).write_text("")
    assert len(find_images([tmp_path])) == len(IMAGE_EXTENSIONS)


def test_demo_on_exported_files(exported, photographs, tmp_path):
    words = ["--exported", str(exported), "--cpu", "--out", str(tmp_path / "out"), str(photographs)]
    assert detect.main(words) == 0
    assert len(json.loads((tmp_path / "out/detections.json").read_text())) == 4
    assert detect.main(["--exported", str(exported.parent)] + words[2:]) == 0


def test_checkpoint_takes_an_export_for_mxnet_too(exported, photographs, tmp_path, capsys):
    words = ["--checkpoint", str(exported), "--cpu", "--out", str(tmp_path / "out")]
    assert detect.main(words + [str(photographs)]) == 0 and f"detecting with {exported}" in capsys.readouterr().err
    assert detect.main(words + [str(photographs), "TEST.NMS=0.5"]) == 2 and "are fixed" in capsys.readouterr().err
    assert test.main(words) == 2 and "lh.evaluate(PATH, DATA_SET)" in capsys.readouterr().err


def test_mistakes_of_detect(workshop, tmp_path, capsys):
    cfg = ["--cfg", str(workshop / "row.yaml"), "--cpu"]
    assert detect.main(cfg + [str(tmp_path / "gone.jpg")]) == 2 and "gone.jpg" in capsys.readouterr().err
    assert detect.main(cfg + [str(tmp_path)]) == 2 and "known extensions" in capsys.readouterr().err
    assert detect.main(["--cpu", str(tmp_path)]) == 2 and "--checkpoint PATH" in capsys.readouterr().err
    assert detect.main(["--cpu", "--exported", "nowhere/net", str(workshop / "data")]) == 2
    assert "nowhere/net-meta.json" in capsys.readouterr().err
    assert detect.main(["--cpu", "--exported", str(tmp_path), str(workshop / "data")]) == 2
    assert f"no exported detector in the folder {tmp_path}" in capsys.readouterr().err
    for word in ("TEST.NMS=0.3", "--allow-partial"):
        assert detect.main(["--exported", "nowhere/net", str(workshop / "data"), word]) == 2
        assert "an exported detector takes no" in capsys.readouterr().err


@pytest.mark.parametrize("score, message", [("1.5", "1.5 is not from 0 to 1"),
                                            ("high", "invalid number value: 'high'")])
def test_thresholds_are_scores(workshop, capsys, score, message):
    with pytest.raises(SystemExit):
        detect.main(["--cpu", "--exported", "nowhere/net", str(workshop / "data"), "--threshold", score])
    assert message in capsys.readouterr().err


def test_an_output_that_is_a_file_is_refused_before_the_work(workshop, capsys, monkeypatch):
    for module, name in ((testing, "evaluate"), (pictures, "write_pictures"), (exporting, "export")):
        monkeypatch.setattr(module, name, None)
    image = str(workshop / "data/val/1.png")
    for command, words in ((test, []), (detect, [image]), (export, []), (train, [])):
        assert run(command, workshop, "--out", workshop / "row.yaml", *words) == 2
        assert "row.yaml is not a folder: name another by --out" in capsys.readouterr().err


def test_a_checkpoint_needs_no_configuration(workshop, tmp_path, capsys):
    words = ["--cpu", "--checkpoint", str(workshop / "out"), "--out", str(tmp_path)]
    assert test.main(words + ["TEST.max_per_image=3"]) == 0
    assert 0 < len(json.loads((tmp_path / "results.json").read_text())) <= 12
    assert f"testing {workshop}/out/row-0002.params" in capsys.readouterr().err
    assert detect.main(words + ["--threshold", "0", str(workshop / "data/val/1.png"), "TEST.max_per_image", "2"]) == 0
    assert len(json.loads((tmp_path / "detections.json").read_text())[0]["detections"]) == 2
    assert f"detecting with {workshop}/out/row-0002.params" in capsys.readouterr().err
    assert export.main(words) == 0 and (tmp_path / "row-meta.json").is_file()
    assert f"exported {workshop}/out/row-0002.params in fused form with oneDNN's passes as " in capsys.readouterr().err


def test_without_out_the_files_lie_beside_the_checkpoint(workshop):
    assert run(test, workshop) == 0 and (workshop / "out/test/metrics.json").is_file()
    assert run(export, workshop) == 0 and (workshop / "out/export/row-meta.json").is_file()


def test_train_from_the_command_line(workshop, tmp_path, capsys):
    words = ["--out", tmp_path / "run", "dataset.image_set=val", "TRAIN.end_epoch", "1", "TRAIN.NUM_WORKERS=0",
             "TRAIN.BATCH_IMAGES=2", "network.FIXED_PARAMS=[]", "TRAIN.RPN_POST_NMS_TOP_N=20"]
    assert run(train, workshop, *words) == 0
    assert {"row-0001.params", "losses.jsonl", "losses.png", "train.log", "test"} <= {
        path.name for path in (tmp_path / "run").iterdir()}
    assert run(train, workshop, *words) == 2
    error = capsys.readouterr().err
    assert "--resume" in error and "--extend" in error and "network.pretrained" in error
    assert run(train, workshop, *words, "TRAIN.lr=0.1", "TRAIN.end_epoch", "2", "--resume") == 2
    assert "pass --extend to go on with another schedule" in capsys.readouterr().err
    assert run(train, workshop, *words, "TRAIN.lr=0.1", "TRAIN.end_epoch", "2", "--extend") == 0
    assert (tmp_path / "run" / "row-0002.params").is_file()


def test_a_start_that_fails_leaves_no_folder(workshop, tmp_path, capsys):
    assert run(train, workshop, "--out", tmp_path / "run", "dataset.dataset_path", tmp_path / "gone") == 2
    assert "gone" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_one_command_for_all(workshop, capsys):
    assert main.main([]) == 2 and main.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in main.COMMANDS)
    assert main.main(["--version"]) == 0 and capsys.readouterr().out == f"light_head_rcnn {__version__}\n"
    assert main.main(["tset"]) == 2 and "unknown command 'tset'" in capsys.readouterr().err
    assert main.main(["test", "--cpu"]) == 2 and "--checkpoint PATH" in capsys.readouterr().err


@pytest.mark.parametrize("script, command", [
    ("train_end2end", "train"), ("train_alternate", None), ("test", "test"), ("demo", "detect"), ("export", "export"),
    ("reproduce_tables", "tables"), ("benchmark", "benchmark")])
def test_help_comes_at_once_and_has_an_example(script, command):
    calls = [f"import light_head_rcnn.experiments.{script} as s"]
    if command:
        calls.append("import light_head_rcnn.experiments.commands.main as s")
    for call in calls:
        words = [command, "--help"] if "commands.main" in call else ["--help"]
        code = f"import sys; sys.argv[1:] = {words}; {call}\n" \
               "try: s.main()\nfinally: print('mxnet' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, universal_newlines=True, check=True)
        assert "examples:" in done.stdout and done.stdout.endswith("False\n"), done.stdout
