"""Detectors in int8: which nodes are, that the model is sound, near the float one, and the same every time."""
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.deploy.engines.agreement import agreement
from light_head_rcnn.engine.deploy.engines.engine_detector import load_engine_detector
from light_head_rcnn.engine.deploy.export import noise_images
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import DataError, LibraryError, UsageError
from light_head_rcnn.gluon_models import get_model

onnx = pytest.importorskip("onnx", reason="needs the package onnx")
from light_head_rcnn.engine.deploy.onnx.detector import detector_model  # noqa: E402
from light_head_rcnn.engine.deploy.onnx.export import export_onnx  # noqa: E402
from light_head_rcnn.engine.deploy.onnx.quantization import FLOAT_LAYERS, quantize, quantized_nodes  # noqa: E402


def smooth_images(seed):
    """Images that are less even than noise: a coarse grid of colours, enlarged."""
    rng = np.random.RandomState(seed)
    return [np.array(Image.fromarray(rng.randint(0, 256, (6, 8, 3), np.uint8)).resize((96, 64), Image.BILINEAR))
            for _ in range(4)]


@pytest.fixture(scope="module")
def int8(small_detector, tmp_path_factory):
    """The folder of an export in int8."""
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    folder = tmp_path_factory.mktemp("int8") / "cups"
    export_onnx(small_detector, folder, precision="int8", calibration=smooth_images(0))
    return folder


@pytest.fixture(scope="module")
def graph(int8):
    return onnx.load(str(int8 / "model.onnx")).graph


def test_the_file_is_sound_and_of_standard_operators(int8, export):
    model, plain = (onnx.load(str(folder / "model.onnx")) for folder in (int8, export))
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 16)]
    assert model.ir_version == plain.ir_version and model.producer_name == plain.producer_name
    assert {prop.key: prop.value for prop in model.metadata_props} == {"classes": "cup\nspoon\nplate"}
    for side in ("input", "output"):
        assert list(getattr(model.graph, side)) == list(getattr(plain.graph, side))
    read = {name for node in model.graph.node for name in node.input}
    assert read >= {tensor.name for tensor in model.graph.initializer}
    assert sorted(file.name for file in int8.iterdir()) == ["detect.py", "meta.json", "model.onnx"]
    assert (int8 / "model.onnx").stat().st_size < 0.6 * (export / "model.onnx").stat().st_size


def test_weights_have_a_scale_for_each_output_channel(graph):
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    kept = [node for node in layers if any(part in node.name + node.input[0] for part in FLOAT_LAYERS)]
    assert len(kept) == 5 and layers[0] in kept
    for node in layers:
        maker = makers.get(node.input[1])
        if node in kept:
            assert maker is None and arrays[node.input[1]].dtype == np.float32
            continue
        weight, scale, zero = (arrays[name] for name in maker.input)
        assert maker.op_type == "DequantizeLinear" and weight.dtype == np.int8 and not zero.any()
        assert scale.shape == weight.shape[:1] and maker.attribute[0].i == 0
        assert abs(weight.reshape(len(weight), -1).astype(int)).max(axis=1) == pytest.approx(127, abs=1)
        assert makers[node.input[0]].op_type == "DequantizeLinear"
        assert makers[node.input[2]].input[0].startswith(f"{node.name}/corrected_bias")


def test_nothing_of_detection_is_rounded(graph, export):
    """The nodes behind the float layers, and those of the preparation, are those of the float model."""
    plain = onnx.load(str(export / "model.onnx")).graph
    chosen = set(quantized_nodes(onnx.load(str(export / "model.onnx"))))
    assert len(chosen) > 20
    kinds = {node.op_type for node in plain.node if node.name in chosen}
    assert {"Conv", "Gemm"} < kinds <= {"Conv", "Gemm", "Relu", "Clip", "MaxPool", "Add", "Concat"}
    rounded = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    for node in graph.node:
        if "multiclass_nms" in node.name or "rpn_proposal" in node.name or node.name.startswith("preparation/"):
            assert not rounded.intersection(node.input), node.name
    behind = {name for node in plain.node if node.op_type == "NonMaxSuppression" for name in node.output}
    for node in plain.node:
        if node.op_type != "Gemm" and behind.intersection(node.input):
            behind.update(node.output)
            assert node.name not in chosen


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_it_answers_near_the_float_detector(engine, int8, small_detector):
    pytest.importorskip(engine, reason=f"needs the package {engine}")
    detector = load_engine_detector(int8, engine)
    assert detector.precision == "int8"
    report = agreement(small_detector, detector, smooth_images(1))
    assert report.objects > 20 and report.found_by_both > 0.8 * report.objects
    assert 0 < report.scores < 0.05 and report.boxes < 4


@pytest.mark.slow
def test_the_same_images_give_the_same_file(int8, small_detector, tmp_path, monkeypatch):
    export_onnx(small_detector, tmp_path / "again", precision="int8", calibration=smooth_images(0))
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (int8 / "model.onnx").read_bytes()
    export_onnx(small_detector, tmp_path / "other", precision="int8", calibration=smooth_images(2))
    assert (tmp_path / "other" / "model.onnx").read_bytes() != (int8 / "model.onnx").read_bytes()


@pytest.mark.slow
def test_the_order_of_sets_does_not_reach_the_file(export, tmp_path):
    """Names are hashed differently in each run of Python."""
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    code = """import sys, onnx, numpy as np
from light_head_rcnn.engine.deploy.onnx.quantization import quantize
x = np.random.RandomState(0).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)
model = quantize(onnx.load(sys.argv[1]), [{"images": x, "im_info": np.float32([[64, 96, 1]])}])
print(__import__("hashlib").sha256(model.SerializeToString()).hexdigest())"""
    sums = {subprocess.run([sys.executable, "-c", code, str(export / "model.onnx")], check=True, capture_output=True,
                           env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")}
    assert len(sums) == 1 and len(sums.pop()) == 65


def test_images_that_cannot_be_read_are_named_and_left_out(int8, small_detector, tmp_path, caplog):
    for number, pixels in enumerate(smooth_images(0)):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "9.jpg").write_text("no image")
    export_onnx(small_detector, tmp_path / "a", precision="int8", calibration=sorted(tmp_path.glob("[0-9].*")))
    assert (tmp_path / "a" / "model.onnx").read_bytes() == (int8 / "model.onnx").read_bytes()
    assert "9.jpg" in caplog.text and "without 1 of 5 images" in caplog.text
    (tmp_path / "photos").mkdir()
    for file in tmp_path.glob("[0-9].*"):
        file.rename(tmp_path / "photos" / file.name)
    export_onnx(small_detector, tmp_path / "c", precision="int8", calibration=tmp_path / "photos")
    assert (tmp_path / "c" / "model.onnx").read_bytes() == (int8 / "model.onnx").read_bytes()
    with pytest.raises(DataError, match="none of the 1 images for the calibration can be read"):
        export_onnx(small_detector, tmp_path / "b", precision="int8", calibration=[tmp_path / "photos" / "9.jpg"])
    assert not (tmp_path / "b").exists() and not list(tmp_path.glob(".tmp*"))


def test_what_does_not_go_together(small_detector, tmp_path, monkeypatch):
    for precision, images, words in (("int8", [], "int8 needs images"), ("float16", [], "float32, bfloat16, int8"),
                                     ("bfloat16", noise_images(0), "not for bfloat16")):
        with pytest.raises(UsageError, match=words):
            export_onnx(small_detector, tmp_path / "a", precision=precision, calibration=images)
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    with pytest.raises(LibraryError, match=r"light_head_rcnn\[int8\]"):
        export_onnx(small_detector, tmp_path / "a", precision="int8", calibration=noise_images(0))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name, kept", [
    ("rfcn_vovnetv2_19_slim_dw_voc", {"rpn_cls_score", "rpn_bbox_pred", "rfcn_cls", "rfcn_bbox"}),
    ("faster_rcnn_vovnetv2_19_slim_dw_voc", {"rpn_cls_score", "rpn_bbox_pred", "cls_score", "bbox_pred"}),
    ("light_head_rcnn_fpn_vovnetv2_19_slim_dw_voc", {"rpn_cls_score", "rpn_bbox_pred", "cls_score", "bbox_pred"})])
def test_other_kinds_of_detectors(name, kept, randomize, run_onnx):
    net = randomize(get_model(name, classes=("cup", "spoon"), anchor_scales=(2, 4), rpn_channels=16, pre_nms=60,
                              post_nms=12, max_per_image=15))
    plain = detector_model(net, InputPreparation(((64, 96),), (123.0, 117.0, 104.0), (58.0, 57.0, 57.5), 32))
    inputs = [{"images": image.transpose(2, 0, 1)[None].astype(np.float32), "im_info": np.float32([[64, 96, 1]])}
              for image in smooth_images(0)]
    model = quantize(plain, inputs)
    makers = {output: node for node in model.graph.node for output in node.output}
    left = [node.name for node in model.graph.node if node.op_type in ("Conv", "Gemm") and node.input[1] not in makers]
    assert {part.split("_fwd")[0] for part in left[1:]} == kept and left[0].startswith("stem")
    (_, scores, _, counts), (_, expected, _, _) = (run_onnx(one, inputs[0]) for one in (model, plain))
    assert counts[0] > 5 and abs(scores[0, 0] - expected[0, 0]) < 0.05
