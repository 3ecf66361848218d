"""Models by name: what the package brings, what a user's program adds, and the errors of wrong names and options."""
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import pytest
from mxnet.gluon import HybridBlock, nn

import light_head_rcnn
from light_head_rcnn import gluon_models
from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models import RFCN, LightHeadFPN, LightHeadRCNN, get_model, model_names, model_options
from light_head_rcnn.gluon_models import registry as tables
from light_head_rcnn.gluon_models.backbones import Xception

XCEPTION = "light_head_rcnn_xception_coco"
# The parts of all names that this package brings.
SMALL = ("efficientnet_lite0", "res2net50_narrow", "resnet50_v1b_narrow", "vovnet27_slim", "vovnetv2_19_slim",
         "vovnetv2_19_slim_dw", "xception")
LARGE = (*(f"resnet{depth}_{version}" for depth in (50, 101, 152) for version in ("v1", "v1b", "v1c", "v1d", "v1s")),
         "resnext50_32x4d", "resnext101_32x4d", "resnext101_64x4d", "resnext101_32x8d", "densenet121", "densenet169",
         "res2net50", "res2net101", "res2netplus50", "vovnet39", "vovnet57", "vovnetv2_19", "vovnetv2_19_dw",
         "vovnetv2_39", "vovnetv2_57", "vovnetv2_99")
# Those that end at stride 16, under which no pyramid goes.
SHALLOW = ("vgg16", "vgg_cnn_m_1024", "caffenet", "alexnet")
DETECTORS = {"light_head_rcnn_s": ("resnet50_v1",), "light_head_rcnn_fpn": SMALL + LARGE, **dict.fromkeys(
    ("light_head_rcnn", "rfcn", "faster_rcnn", "fast_rcnn"), SMALL + LARGE + SHALLOW)}


@pytest.fixture(autouse=True)
def restored_tables(monkeypatch):
    """Lets a test register what it likes: afterwards the tables hold what they did before."""
    for table in (tables.DETECTORS, tables.BACKBONES, tables.PYRAMID_BACKBONES, tables.CLASS_LISTS, tables.MODELS):
        monkeypatch.setattr(table, "entries", dict(table.entries))


class Tiny(HybridBlock):
    """One convolution for each of the two maps of stride 16."""

    out_channels = (8, 12)

    def __init__(self, frozen, width=3):
        super().__init__(prefix="")
        self.frozen, self.width = frozen, width
        with self.name_scope():
            self.rpn_map = nn.Conv2D(8, 16, 16, in_channels=3, prefix="rpn_map_")
            self.head_map = nn.Conv2D(12, 16, 16, in_channels=3, prefix="head_map_")

    @staticmethod
    def feature_size(size):
        return size // 16

    def hybrid_forward(self, F, x):
        return self.rpn_map(x), self.head_map(x)


class TinyLevels(Tiny):
    """Four maps of strides 4 to 32."""

    out_channels = (3, 3, 3, 3)

    @staticmethod
    def feature_size(size):
        return tuple(size // stride for stride in (4, 8, 16, 32))

    def hybrid_forward(self, F, x):
        return tuple(F.Pooling(x, kernel=(s, s), stride=(s, s), pool_type="avg") for s in (4, 8, 16, 32))


def test_names_are_those_of_all_detectors_backbones_and_classes():
    assert model_names() == sorted(f"{detector}_{backbone}_{classes}" for detector, backbones in DETECTORS.items()
                                   for backbone in backbones for classes in ("coco", "voc"))


@pytest.mark.parametrize("name, parameters", [
    ("light_head_rcnn_resnet50_v1_coco", {"rpn_conv_3x3": 512, "conv_new_1": 256, "rpn_cls_score": 24}),
    ("light_head_rcnn_s_resnet50_v1_voc", {"rpn_conv_3x3": 256, "conv_new_1": 64, "rpn_cls_score": 24}),
    (XCEPTION, {"rpn_conv_3x3": 256, "conv_new_1": 64}),
    ("light_head_rcnn_fpn_resnet101_v1_coco", {"rpn_conv_3x3": 256, "conv_new_1": 256, "rpn_cls_score": 6}),
    ("light_head_rcnn_fpn_xception_voc", {"rpn_conv_3x3": 256, "conv_new_1": 64, "rpn_cls_score": 6}),
    ("rfcn_xception_coco", {"rpn_conv_3x3": 256}), ("rfcn_resnet50_v1_coco", {"rpn_conv_3x3": 512}),
    ("faster_rcnn_xception_voc", {"rpn_conv_3x3": 256}), ("faster_rcnn_resnet101_v1_voc", {"rpn_conv_3x3": 512})])
def test_setting_of_every_detector(name, parameters):
    """Setting L on large backbones, setting S on small ones: output channels of a convolution."""
    found = get_model(name).collect_params()
    assert {key: found[f"{key}_weight"].shape[0] for key in parameters} == parameters


def test_classes_are_those_of_the_data_sets_or_given():
    coco, voc = (get_model(f"rfcn_xception_{data}").classes for data in ("coco", "voc"))
    assert (len(coco), coco[0], coco[-1]) == (80, "person", "toothbrush")
    assert (len(voc), voc[0], voc[-1]) == (20, "aeroplane", "tvmonitor")
    assert get_model(XCEPTION, ["b", "a"]).classes == ("b", "a")
    assert light_head_rcnn.get_model(XCEPTION, classes=("a",)).classes == ("a",)


def test_models_have_their_own_options():
    light, resnet = {"mid_channels", "relu", "neck", "roi_pool", "hidden"}, {"stride_in_1x1", "padded_pool"}
    two_maps = {"outputs"}
    assert model_options("light_head_rcnn_xception_voc") == light | two_maps
    assert model_options("light_head_rcnn_s_resnet50_v1_coco") == light | resnet | two_maps
    assert model_options("light_head_rcnn_fpn_xception_voc") == light | {"canonical_side"}
    assert model_options("rfcn_resnet50_v1_coco") == model_options("faster_rcnn_resnet50_v1_voc") == resnet | two_maps


@pytest.mark.parametrize("name", ["light_head_rcnn_resnet50_v1_coco", "light_head_rcnn_fpn_resnet50_v1_coco"])
def test_options_reach_backbone_and_detector(name):
    net = get_model(name, norm="batch", stride_in_1x1=False, mid_channels=7, anchor_scales=(2, 4))
    unit = net.backbone.res3[0]
    assert unit.reduce.conv._kwargs["stride"] == (1, 1) and unit.spatial.conv._kwargs["stride"] == (2, 2)
    assert unit.reduce.bn._options["use_global_stats"] is False
    assert net.collect_params()["conv_new_1_weight"].shape[0] == 7 and net.rpn.scales == (2, 4)
    assert get_model(name).backbone.res3[0].reduce.bn._options["use_global_stats"] is True
    assert get_model(name).backbone.res3[0].reduce.conv._kwargs["stride"] == (2, 2)


def test_stages_that_the_rpn_and_the_head_read():
    name = "light_head_rcnn_efficientnet_lite0_coco"
    own, net = get_model(name), get_model(name, outputs=["stage4", "stage5"], post_nms=8)
    assert get_model(name, outputs=()).features.out_channels == own.features.out_channels == (112, 320)
    assert net.features.out_channels == (80, 112) and net.features.stages[-1].name == "stage5"
    assert set(net.features.collect_params()) < set(own.features.collect_params())
    assert net.features.feature_size(97) == own.features.feature_size(97) == 7
    net.initialize()
    assert net(mx.nd.zeros((1, 3, 64, 96)))[2].shape == (1, 100, 4)
    assert get_model(XCEPTION, outputs=["res3", "res3"]).features.out_channels == (288, 288)


@pytest.mark.parametrize("outputs, words", [
    (["stage3", "stage4"], ("strides 8 and 16", "stage4, stage5, stage6, stage7")), (["stage5"], ("two stages",)),
    ("stage5", ("two stages",)), (["stage5", "stage8"], ("stage8", "known"))])
def test_stages_that_do_not_fit(outputs, words):
    with pytest.raises(ModelError) as error:
        get_model("light_head_rcnn_efficientnet_lite0_coco", outputs=outputs)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("options, words", [
    ({"norm": "group"}, "norm is 'group'; known: frozen, batch"),
    ({"relu": "both"}, "relu is 'both'; known: inside, after_sum"),
    ({"roi_pool": "max"}, "roi_pool is 'max'; known: psroi_pool, psroi_align, psroi_align_max, psroi_align_max_clamp, "
                          "roi_pool"),
    ({"neck": "dense"}, "neck is 'dense'; known: large_separable, pointwise"),
    ({"stride_in_1x1": True}, f"{XCEPTION} has no option 'stride_in_1x1'; its options: all_cells, anchor_ratios, "),
    ({"depth": 3}, "has no option 'depth'; its options: .*, roi_pool, rpn_channels"),
    ({"backbone": None}, "has no option 'backbone'"), ({"head": None}, "has no option 'head'"),
    ({"pretrained": True}, "downloads no weights.*load_parameters.*network.pretrained"),
    ({"pretrained": False}, "downloads no weights")])
def test_errors_name_what_is_known(options, words):
    with pytest.raises(ModelError, match=words):
        get_model(XCEPTION, **options)


@pytest.mark.parametrize("backbone", SMALL + LARGE + SHALLOW)
def test_every_backbone_goes_under_the_light_head(backbone):
    net = get_model(f"light_head_rcnn_{backbone}_voc", post_nms=9, max_per_image=4)
    _, shapes, _ = mx.sym.Group(list(net(mx.sym.var("data")))).infer_shape(data=(2, 3, 75, 131))
    assert shapes == [(2, 4, 1), (2, 4, 1), (2, 4, 4)]
    is_small = backbone in (*SMALL, "caffenet", "alexnet")
    neck = {"mid": 64 if is_small else 256, "rpn": 256 if is_small else 512}
    found = net.collect_params()
    assert found["conv_new_1_weight"].shape[0] == neck["mid"] and found["rpn_conv_3x3_weight"].shape[0] == neck["rpn"]


@pytest.mark.parametrize("detector", ["light_head_rcnn", "light_head_rcnn_fpn", "rfcn", "faster_rcnn"])
@pytest.mark.parametrize("backbone", ["vovnetv2_19_slim_dw", "efficientnet_lite0", "densenet121", "res2net50"])
def test_every_detector_runs_on_every_family(detector, backbone):
    net = get_model(f"{detector}_{backbone}_voc", norm="batch", post_nms=9, max_per_image=4)
    net.initialize()
    net.hybridize()
    assert [output.shape for output in net(mx.nd.ones((1, 3, 64, 96)))] == [(1, 4, 1), (1, 4, 1), (1, 4, 4)]


def test_options_of_other_detectors_are_refused():
    with pytest.raises(ModelError, match="rfcn_xception_coco has no option 'relu'; its options: .*, nms, "):
        get_model("rfcn_xception_coco", relu="inside")


@pytest.mark.parametrize("function", [get_model, model_options])
def test_unknown_names(function):
    with pytest.raises(ModelError, match="unknown model 'light_head_rcnn_vgg'; known: .*light_head_rcnn_vgg16_coco"):
        function("light_head_rcnn_vgg")


def test_a_backbone_of_a_users_own_goes_under_every_detector():
    decorate = gluon_models.register_backbone("tiny", setting="S", options=("width",))
    assert decorate(Tiny) is Tiny
    assert {name for name in model_names() if "_tiny_" in name} == {
        f"{detector}_tiny_{data}" for detector in ("light_head_rcnn", "rfcn", "faster_rcnn", "fast_rcnn")
        for data in ("coco", "voc")}
    net = get_model("light_head_rcnn_tiny_voc", norm="batch", width=5, anchor_scales=(1, 2), post_nms=9,
                    max_per_image=4)
    assert isinstance(net, LightHeadRCNN) and len(net.classes) == 20
    assert net.backbone.width == 5 and net.backbone.frozen is False and get_model("rfcn_tiny_voc").backbone.frozen
    assert net.collect_params()["conv_new_1_weight"].shape == (64, 12, 15, 1)
    assert "width" in model_options("rfcn_tiny_coco") and "width" not in model_options("rfcn_xception_coco")
    net.initialize()
    assert [output.shape for output in net(mx.nd.ones((1, 3, 64, 96)))] == [(1, 4, 1), (1, 4, 1), (1, 4, 4)]


def test_a_pyramid_backbone_of_a_users_own():
    gluon_models.register_pyramid_backbone("tiny", TinyLevels)
    assert {name for name in model_names() if "_tiny_" in name} == {
        "light_head_rcnn_fpn_tiny_coco", "light_head_rcnn_fpn_tiny_voc"}
    net = get_model("light_head_rcnn_fpn_tiny_coco", anchor_scales=(2,), post_nms=9, max_per_image=4)
    assert isinstance(net, LightHeadFPN) and isinstance(net.backbone, TinyLevels)
    assert net.collect_params()["conv_new_1_weight"].shape == (256, 256, 15, 1)
    net.initialize()
    assert net(mx.nd.ones((1, 3, 64, 96)))[0].shape == (1, 4, 1)


def test_a_backbone_that_lacks_what_detectors_ask_for():
    class Bare(Tiny):
        feature_size = property(lambda self: self.missing)

    gluon_models.register_backbone("bare", Bare)
    with pytest.raises(ModelError, match="the backbone 'bare' has no attribute feature_size; see register_backbone"):
        get_model("rfcn_bare_voc")


def test_a_detector_of_a_users_own_goes_on_every_backbone():
    @gluon_models.register_detector("mine", defaults={"S": {"rpn_channels": 5, "extra": 1}, "L": {"rpn_channels": 6}})
    class Mine(RFCN):
        def __init__(self, backbone, classes, extra=0, **options):
            super().__init__(backbone, classes, **options)
            self.extra = extra

    assert {name for name in model_names() if name.startswith("mine_")} == {
        f"mine_{backbone}_{data}" for backbone in DETECTORS["rfcn"] for data in ("coco", "voc")}
    small, large = get_model("mine_xception_voc"), get_model("mine_resnet50_v1_coco", stride_in_1x1=False)
    assert isinstance(small, Mine) and small.extra == 1 and large.extra == 0
    assert small.collect_params()["rpn_conv_3x3_weight"].shape[0] == 5
    assert large.collect_params()["rpn_conv_3x3_weight"].shape[0] == 6
    assert get_model("mine_xception_voc", extra=3, rpn_channels=7).extra == 3
    assert model_options("mine_xception_voc") == {"extra", "outputs"}


def test_a_function_can_build_a_detector():
    @gluon_models.register_detector("mine", backbones=("xception",))
    def mine(backbone, classes, extra=0, **options):
        net = RFCN(backbone, classes, **options)
        net.extra = extra
        return net

    assert {name for name in model_names() if name.startswith("mine_")} == {"mine_xception_coco", "mine_xception_voc"}
    assert get_model("mine_xception_coco", extra=2, nms=0.4).extra == 2
    with pytest.raises(ModelError, match="no option 'other'; its options: .*, extra, max_per_image, nms"):
        get_model("mine_xception_coco", other=2)


def test_classes_of_a_users_own():
    gluon_models.register_classes("cells", ["red", "white"])
    assert get_model("rfcn_xception_cells").classes == ("red", "white")


def test_a_whole_model_of_a_users_own():
    calls = []

    @gluon_models.register_model("cells")
    def build(classes=None, norm="frozen", extra=0, **options):
        calls.append((classes, norm, extra, options))
        return RFCN(Xception(), classes or ("red", "white"), **options)

    assert "cells" in model_names() and model_options("cells") == {"extra"}
    assert get_model("cells").classes == ("red", "white")
    assert get_model("cells", ["a"], norm="batch", extra=3, nms=0.4).classes == ("a",)
    assert calls == [(None, "frozen", 0, {}), (["a"], "batch", 3, {"nms": 0.4})]
    with pytest.raises(ModelError, match="cells has no option 'relu'"):
        get_model("cells", relu="inside")


def test_names_that_clash():
    build = lambda *args, **options: None  # noqa: E731
    before = model_names()
    for register, name in ((gluon_models.register_backbone, "xception"), (gluon_models.register_detector, "rfcn"),
                           (gluon_models.register_pyramid_backbone, "resnet50_v1")):
        with pytest.raises(ModelError, match=f"named '{name}' is registered already; choose another name"):
            register(name, build)
    with pytest.raises(ModelError, match="list of classes named 'voc' is registered already"):
        gluon_models.register_classes("voc", ("a",))
    gluon_models.register_model("mine", build)
    with pytest.raises(ModelError, match="a model named 'mine' is registered already"):
        gluon_models.register_model("mine", build)
    # "light_head_rcnn" on "fpn_xception", and "light_head_rcnn_fpn" on "xception".
    with pytest.raises(ModelError, match="two models would be named 'light_head_rcnn_fpn_xception_coco'"):
        gluon_models.register_backbone("fpn_xception", build)
    with pytest.raises(ModelError, match="two models would be named 'rfcn_xception_voc'"):
        gluon_models.register_model("rfcn_xception_voc", build)
    assert model_names() == sorted(before + ["mine"])
    with pytest.raises(ModelError, match="setting of backbone 'new' is 'M'; known: L, S"):
        gluon_models.register_backbone("new", build, setting="M")


def test_models_need_no_gluoncv():
    code = "import sys, light_head_rcnn.gluon_models; assert 'gluoncv' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=str(Path.home()))
