"""Counting: the MXNet original's parameters, and every row of the paper's tables."""
import json
import math
from pathlib import Path

import pytest

from light_head_rcnn import gluon_models
from light_head_rcnn.experiments.paper_tables import counting, row_counts
from light_head_rcnn.experiments.paper_tables.rows import ROWS
from light_head_rcnn.experiments.paper_tables.stages import STAGES, StagedGraph

MXNET_ORIGINAL = Path(__file__).parents[2] / "gluon_models" / "mxnet_original_parameters.json"


def test_setting_l_has_as_many_parameters_as_in_the_mxnet_original():
    original = json.loads(MXNET_ORIGINAL.read_text())
    graph = StagedGraph(gluon_models.get_model("light_head_rcnn_resnet101_v1_coco"), 224, 320)
    counted = counting.count_stages(graph)
    assert sum(counted["parameters"].values()) == sum(
        math.prod(shape) for name, (shape, _) in original.items() if "moving" not in name)


def test_r_fcn_against_l_by_hand():
    """A cell of a map of 14x20 and a RoI, by the layers' definitions."""
    counts = {}
    for name in ("rfcn_resnet101_v1_coco", "light_head_rcnn_resnet101_v1_coco"):
        counts[name] = counting.count_stages(StagedGraph(gluon_models.get_model(name, post_nms=50), 224, 320))
    rfcn, light = counts.values()
    cell = 2048 * 1024 + 1024 * (81 + 8) * 49
    assert rfcn["multiply_adds"]["neck"] == cell * 14 * 20 and rfcn["per_roi"] == 0
    assert rfcn["map_channels"] == 89 * 49 and rfcn["warped_values"] == 50 * 89 * 49 and rfcn["cells"] == 14 * 20
    separable = 2 * 15 * (2048 * 256 + 256 * 490)
    assert light["multiply_adds"]["neck"] == separable * 14 * 20
    assert light["per_roi"] == 490 * 2048 + 2048 * (81 + 8) and light["rois"] == 50
    assert light["warped_values"] == 50 * 490
    rpn = 1024 * 512 * 9 + 512 * 6 * 12
    assert light["multiply_adds"]["rpn"] == rfcn["multiply_adds"]["rpn"] == rpn * 14 * 20
    assert light["multiply_adds"]["body"] == rfcn["multiply_adds"]["body"] > 0


def test_a_pyramids_shared_neck_holds_once_and_costs_at_each_level():
    net = gluon_models.get_model("light_head_rcnn_fpn_resnet50_v1_coco", post_nms=20)
    counted = counting.count_stages(StagedGraph(net, 128, 128))
    assert counted["parameters"]["neck"] == sum(math.prod(p.shape) for p in net.neck.collect_params().values())
    cells = sum(side ** 2 for side in (32, 16, 8, 4))
    assert counted["multiply_adds"]["neck"] == 2 * 15 * (256 * 256 + 256 * 490) * cells
    assert counted["rois"] == 20 and counted["warped_values"] == 20 * 490


@pytest.mark.parametrize("name", ROWS)
def test_every_row_counts(name):
    counted = row_counts.count_row(name)
    assert set(counted["parameters"]) == set(counted["multiply_adds"]) == set(STAGES)
    assert all(counted["multiply_adds"][stage] > 0 for stage in ("body", "rpn", "neck"))
    assert (counted["per_roi"] > 0) == (name not in ("b1", "b2", "rfcn_600"))
    assert counted["passes"] == {"multi_scale_test": 5, "multi_scale_flip_test": 10}.get(name, 1)


def test_the_papers_backbone():
    counted = row_counts.count_classifier()
    assert sum(counted["multiply_adds"].values()) == pytest.approx(145e6, rel=0.02)
    assert counted["multiply_adds"]["head"] == 576 * 1000 and counted["parameters"]["head"] == 577 * 1000
