"""In bfloat16, OpenVINO keeps the places of boxes in float32."""
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.engines.agreement import agreement
from light_head_rcnn.engine.deploy.engines.engine_detector import load_engine_detector
from light_head_rcnn.engine.deploy.export import noise_images
from light_head_rcnn.engine.deploy.onnx import detect as script

pytest.importorskip("openvino", reason="needs the package openvino")


@pytest.fixture
def rounded(export):
    """(kind, name) of the layers that OpenVINO runs in bfloat16."""
    compiled = script.open_openvino(str(export / "model.onnx"), 1, "bfloat16")
    compiled([np.zeros((1, 3, 64, 96), np.float32), np.float32([[64, 96, 1]])])
    infos = [(node.get_rt_info(), node.get_friendly_name()) for node in compiled.get_runtime_model().get_ops()]
    layers = [(info["layerType"].astype(str), name) for info, name in infos
              if info["runtimePrecision"].astype(str) == "bf16"]
    if not layers:
        pytest.skip("OpenVINO computes nothing in bfloat16 on this processor")
    return layers


def test_places_stay_in_float32(rounded):
    kinds = {kind for kind, _ in rounded}
    assert {"Convolution", "FullyConnected"} <= kinds
    assert not kinds & {"GridSample", "NonMaxSuppression", "TopK", "Range"}
    assert not [name for kind, name in rounded if kind != "Reorder" and any(
        part in name for part in ("ps_roi_align", "rpn_proposal", "multiclass_nms", "preparation/Less"))]


def test_it_answers_near_the_float_detector(export, small_detector):
    detector = load_engine_detector(export, "openvino", "bfloat16")
    report = agreement(small_detector, detector, noise_images(1))
    assert report.objects > 10 and report.found_by_both > 0.8 * report.objects
    assert report.scores < 0.02 and report.boxes < 1
