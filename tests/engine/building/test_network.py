"""From the configuration to the network: options reach it, and keys that it does not use are refused."""
import pytest

from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.errors import ConfigError
from light_head_rcnn.gluon_models import model_names, needs_proposals

S = "light_head_rcnn_xception_coco"


@pytest.mark.parametrize("name", model_names())
def test_every_model_is_built_of_the_defaults(configure_model, name):
    given = ["dataset.proposal", "file", "TRAIN.ENABLE_OHEM", "false", "TRAIN.BATCH_ROIS", "64"]
    net = build_net(configure_model(name, *(given if needs_proposals(name) else [])), ("a", "b"))
    assert net.classes == ("a", "b") and net.class_agnostic
    assert net.head.output_layers[0].weight.shape[0] == (3 * 49 if name.startswith("rfcn") else 3)


def test_options_reach_the_network(configure_model):
    cfg = configure_model(S, "network.NECK", "pointwise", "network.ROI_POOL", "roi_pool", "network.HIDDEN_UNITS", "0",
                    "CLASS_AGNOSTIC", "false", "network.ANCHOR_SCALES", "1,2")
    parameters = build_net(cfg, ("a", "b")).collect_params()
    assert parameters["conv_new_1_weight"].shape == (490, 576, 1, 1) and "fc_new_1_weight" not in parameters
    assert parameters["bbox_pred_weight"].shape == (12, 490 * 49)
    assert parameters["rpn_cls_score_weight"].shape == (12, 256, 1, 1)
    cfg = configure_model(S, "network.LIGHT_HEAD_RELU", "after_sum", "network.ROI_POOL", "psroi_align_max")
    net = build_net(cfg, ("a",))
    assert (net.neck._relu, net._roi_pool) == ("after_sum", "psroi_align_max")


@pytest.mark.parametrize("model", ["rfcn_resnet50_v1_coco", "faster_rcnn_resnet50_v1_voc"])
@pytest.mark.parametrize("key, value", [("NECK", "pointwise"), ("ROI_POOL", "psroi_align"), ("HIDDEN_UNITS", "0"),
                                        ("LIGHT_HEAD_RELU", "after_sum")])
def test_values_of_no_use_are_refused(configure_model, model, key, value):
    message = f"network.{key} is '?{value}'?, but the model {model} does not use this key"
    with pytest.raises(ConfigError, match=message):
        build_net(configure_model(model, "network." + key, value), ("a",))


def test_a_pointwise_neck_has_one_place_for_relu(configure_model):
    cfg = configure_model(S, "network.NECK", "pointwise", "network.LIGHT_HEAD_RELU", "after_sum")
    with pytest.raises(ConfigError, match="LIGHT_HEAD_RELU is 'after_sum', but network.NECK pointwise"):
        build_net(cfg, ("a",))


def test_stride_placement_is_of_no_use_without_a_resnet(configure_model):
    with pytest.raises(ConfigError, match="network.STRIDE_IN_1X1 is False"):
        build_net(configure_model(S, "network.STRIDE_IN_1X1", "false"), ("a",))


def test_stages_of_another_backbone_are_told(configure_model):
    cfg = configure_model("light_head_rcnn_resnet50_v1b_coco", "network.OUTPUTS", "stage5,stage5")
    with pytest.raises(ConfigError, match=r"network.OUTPUTS is \['stage5', 'stage5'\], but of the backbone of light_"
                                          r"head_rcnn_resnet50_v1b_coco, .*layer3, layer4; network.OUTPUTS=\[\] takes"):
        build_net(cfg, ("a",))


def test_unknown_model_is_refused(configure_model):
    with pytest.raises(ConfigError, match="network.model: unknown model 'vgg'; known: .*, rfcn, .* resnet101_v1, "):
        build_net(configure_model("vgg"), ("a",))


def test_sizes_by_roi_are_for_given_proposals_alone(configure_model):
    cfg = configure_model(S, "TEST.PYRAMID", "true")
    with pytest.raises(ConfigError, match="TEST.PYRAMID is true, but the model .* finds its proposals itself"):
        build_net(cfg, ("a",))
