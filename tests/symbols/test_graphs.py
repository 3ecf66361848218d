"""Graphs against those of the originals, node by node."""
import json
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn import symbols
from light_head_rcnn.engine.config import with_values

LIGHT, RFCN, XCEPTION = "resnet_v1_101_rfcn_light", "resnet_v1_101_rfcn", "xception_rfcn_light"
PLAIN = {"fg_thresh": "0.5", "bg_thresh_hi": "0.5", "bg_thresh_lo": "0.0", "bbox_means": "(0.0, 0.0, 0.0, 0.0)",
         "bbox_stds": "(0.1, 0.1, 0.2, 0.2)", "bbox_weights": "(1.0, 1.0, 1.0, 1.0)"}


def without_pickle(nodes):
    """The one allowed difference: plain attributes in place of the pickled configuration."""
    return [(op, name, {**{key: value for key, value in attrs.items() if key != "cfg"}, **PLAIN}
             if attrs.get("op_type") == "proposal_target" else attrs, inputs) for op, name, attrs, inputs in nodes]


@pytest.mark.parametrize("kind", ["test", "train"])
def test_light_head_equals_the_original(kind, dump, port_cfg):
    expected, given, outputs = dump.port_graph(kind)
    symbol = symbols.get_symbol(LIGHT, port_cfg(), is_train=kind == "train")
    assert not dump.differences(dump.nodes_of(symbol), without_pickle(expected))
    arguments, found, auxiliary = symbol.infer_shape(**given)
    assert dict(zip(symbol.list_outputs(), found)) == outputs
    shapes = json.loads((Path(__file__).parents[1] / "gluon_models" / "port_parameters.json").read_text())
    shapes = {**{name: tuple(shape) for name, (shape, _) in shapes.items()}, **given}
    names = symbol.list_arguments() + symbol.list_auxiliary_states()
    assert {name: shapes[name] for name in names} == dict(zip(names, arguments + auxiliary))
    assert [name for op, name, *_ in expected if op == "null" and name in symbol.list_arguments()] == \
        symbol.list_arguments()


def test_a_changed_node_is_seen(dump, port_cfg):
    expected = dump.port_graph("test")[0]
    nodes = dump.nodes_of(symbols.get_symbol(LIGHT, port_cfg(), is_train=False))
    for change in (lambda n: ("_" + n[0],) + n[1:], lambda n: (n[0], n[1] + "_") + n[2:],
                   lambda n: n[:2] + (dict(n[2], workspace="512"), n[3]), lambda n: n[:3] + (n[3][::-1] + ["data"],)):
        assert len(dump.differences(nodes[:500] + [change(nodes[500])] + nodes[501:], expected)) == 1
    assert dump.differences(nodes[:-1], expected) and dump.differences(nodes[1:], expected)


CONV = {"kernel": "(1, 1)"}
NEW = {"__lr_mult__": "3.0", "kernel": "(1, 1)", "num_filter": "1024"}
CLS, BOX = dict(CONV, num_filter="3969"), dict(CONV, num_filter="392")
AVERAGE = {"global_pool": "True", "kernel": "(7, 7)", "pool_type": "avg"}


def pooling(channels):
    return {"group_size": "7", "output_dim": channels, "pooled_size": "7", "spatial_scale": "0.0625"}


def convolution(name, attrs, data):
    names = [name + "_weight", name + "_bias"]
    return [("null", n, attrs, []) for n in names] + [("Convolution", name, attrs, [data] + names)]


def reshape(name, shape, data):
    return ("Reshape", name, {"shape": shape}, [data])


def vote(kind, channels, average, out, shape, rois):
    pooled = "psroipooled_%s_rois" % kind
    conv = "rfcn_cls" if kind == "cls" else "rfcn_bbox"
    return [("_contrib_PSROIPooling", pooled, pooling(channels), [conv, rois]),
            ("Pooling", average, AVERAGE, [pooled]), reshape(out, shape, average)]


def rfcn_head(kind, light):
    """R-FCN's nodes behind `res5c_relu`, by hand; proposals and targets as in Light-Head R-CNN."""
    proposals = light[[n[1] for n in light].index("rpn_cls_act"):[n[1] for n in light].index("custom0") + 1] \
        if kind == "train" else []
    rois = "custom0" if kind == "train" else "rois"
    cls_score = vote("cls", "81", "ave_cls_scors_rois", "cls_score_reshape", "(-1, 81)", rois)
    bbox_pred = convolution("rfcn_bbox", BOX, "relu1") + vote(
        "loc", "8", "ave_bbox_pred_rois", "bbox_pred_reshape", "(-1, 8)", rois)
    nodes = convolution("conv_new_1", NEW, "res5c_relu") + [
        ("Activation", "relu1", {"act_type": "relu"}, ["conv_new_1"])] + convolution("rfcn_cls", CLS, "relu1")
    if kind == "test":
        return nodes + cls_score + [
            ("SoftmaxActivation", "cls_prob", {}, ["cls_score_reshape"]),
            reshape("cls_prob_reshape", "(1, -1, 81)", "cls_prob")] + bbox_pred + [
            reshape("bbox_pred_reshape", "(1, -1, 8)", "bbox_pred_reshape")]
    return nodes + proposals + cls_score + bbox_pred + [
        ("Custom", "custom1", {"num_classes": "81", "num_reg_classes": "2", "op_type": "BoxAnnotatorOHEM",
                               "roi_per_img": "128"},
         ["cls_score_reshape", "bbox_pred_reshape", "custom0", "custom0", "custom0"]),
        ("SoftmaxOutput", "cls_prob", {"ignore_label": "-1", "normalization": "valid", "use_ignore": "True"},
         ["cls_score_reshape", "custom1"]),
        reshape("cls_prob_reshape", "(1, -1, 81)", "cls_prob"),
        ("elemwise_sub", "_minus1", {}, ["bbox_pred_reshape", "custom0"]),
        ("smooth_l1", "bbox_loss_", {"scalar": "1.0"}, ["_minus1"]),
        ("elemwise_mul", "_mul1", {}, ["custom1", "bbox_loss_"]),
        ("MakeLoss", "bbox_loss", {"grad_scale": "0.0078125"}, ["_mul1"]),
        reshape("bbox_loss_reshape", "(1, -1, 8)", "bbox_loss"),
        reshape("label_reshape", "(1, -1)", "custom1"),
        ("BlockGrad", "blockgrad0", {}, ["label_reshape"])]


@pytest.mark.parametrize("kind", ["test", "train"])
def test_rfcn_is_the_original_with_its_own_head(kind, dump, port_cfg):
    light, given, _ = dump.port_graph(kind)
    light = without_pickle(light)
    shared = light[:[n[1] for n in light].index("res5c_relu") + 1]
    symbol = symbols.get_symbol(RFCN, port_cfg(), is_train=kind == "train")
    assert not dump.differences(dump.nodes_of(symbol), shared + rfcn_head(kind, light))
    assert symbol.infer_shape(**given)[1]


@pytest.mark.parametrize("operator", ["false", "true", "native"])
def test_the_data_give_the_shape_of_im_info(operator, port_cfg):
    cfg = port_cfg("TEST.CXX_PROPOSAL", operator, "TEST.RPN_POST_NMS_TOP_N", "30")
    symbol = symbols.get_symbol(LIGHT, cfg, is_train=False)
    arguments, found, _ = symbol.infer_shape(data=(1, 3, 64, 96))
    assert dict(zip(symbol.list_arguments(), arguments))["im_info"] == (1, 3)
    assert found[0] == (30, 5)


@pytest.mark.parametrize("name", [LIGHT, RFCN])
def test_partial_graphs_are_parts_of_the_whole(name, dump, port_cfg):
    """Nodes of the partial graphs are the whole graph's, but for inputs in place of what is not there."""
    for train in (True, False):
        whole = {n[1]: n for n in dump.nodes_of(symbols.get_symbol(name, port_cfg(), train))}
        rpn = dump.nodes_of(symbols.get_symbol_rpn(name, port_cfg(), train))
        for op, node, attrs, inputs in rpn:
            expected = dict(whole[node][2])
            if node == "rpn_cls_prob" and train:
                expected["grad_scale"] = "1.0"
            if node == "rois":
                expected["output_score"] = "True"
            assert (op, attrs, inputs) == (whole[node][0], expected, whole[node][3])
        rcnn = dump.nodes_of(symbols.get_symbol_rcnn(name, port_cfg(), train))
        inputs = {"rois": "(-1, 5)", "label": "(-1,)", "bbox_target": "(-1, 8)", "bbox_weight": "(-1, 8)"}
        for op, node, attrs, sources in rcnn:
            if node in inputs:
                assert op == "null"
            elif node[:-8] in inputs:
                assert (op, attrs, sources) == ("Reshape", {"shape": inputs[node[:-8]]}, [node[:-8]])
        heads = {"_contrib_PSROIPooling", "FullyConnected", "Convolution", "Pooling", "SoftmaxActivation", "MakeLoss"}
        expected = {k: n[2] for k, n in whole.items() if n[0] in heads and not k.startswith("rpn_")}
        assert {n[1]: n[2] for n in rcnn if n[0] in heads} == expected
    assert symbols.get_symbol_rpn(name, port_cfg(), False).list_outputs() == ["rois_output", "rois_score"]
    assert symbols.get_symbol_rcnn(name, port_cfg(), True).list_outputs() == [
        "cls_prob_reshape_output", "bbox_loss_reshape_output", "blockgrad0_output"]


def test_settings_change_what_they_say_and_nothing_else(dump, port_cfg):
    before = dump.nodes_of(symbols.get_symbol(LIGHT, port_cfg(), True))

    def changed(*overrides, cfg=None):
        after = dump.nodes_of(symbols.get_symbol(LIGHT, cfg or port_cfg(*overrides), True))
        assert len(after) == len(before)
        return [(a[1], {k: b[2].get(k) for k in b[2] if b[2].get(k) != a[2].get(k)}) for a, b in zip(before, after)
                if a != b]

    assert changed("network.RPN_FEAT_STRIDE", "[16]") == []
    assert changed("TRAIN.BATCH_ROIS_OHEM", "256") == [("custom1", {"roi_per_img": "256"}),
                                                       ("bbox_loss", {"grad_scale": "0.00390625"})]
    assert changed("TRAIN.BBOX_LOSS_WEIGHT", "2") == [("bbox_loss", {"grad_scale": "0.015625"})]
    assert changed("TRAIN.FG_THRESH", "0.6") == [("custom0", {"fg_thresh": "0.6"})]
    assert changed("TRAIN.LIGHT_HEAD_LR_MULT", "1") == [
        ("conv_new_%d%s" % (i, part), {"__lr_mult__": "1.0"}) for i in (1, 2, 3, 4) for part in
        ("_weight", "_bias", "")]
    cfg = with_values(port_cfg(), {"TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": False})
    assert changed(cfg=cfg) == [("custom0", {"bbox_stds": str((1.0,) * 4)})]
    assert {tuple(c.items()) for _, c in changed("network.NORM", "batch")} == {(("use_global_stats", "False"),)}
    assert changed("network.STRIDE_IN_1X1", "false")[0] == ("res3a_branch2a_weight", {"stride": "(1, 1)"})
    assert [(a, c) for a, c in changed("TRAIN.CXX_PROPOSAL", "false")] == [("rois", {
        "feat_stride": "16", "op_type": "proposal"})]
    several = dict(changed("TRAIN.BATCH_IMAGES", "2"))
    assert several["custom0"] == several["custom1"] == {"batch_images": "2"}
    assert several["rpn_bbox_loss"] == {"grad_scale": str(1 / 512)} and several["bbox_loss"] == {
        "grad_scale": str(1 / 256)}


def test_without_mining_all_drawn_rois_count(dump, port_cfg):
    cfg = port_cfg("TRAIN.ENABLE_OHEM", "false", "TRAIN.BATCH_ROIS", "128")
    nodes = {n[1]: n for n in dump.nodes_of(symbols.get_symbol(LIGHT, cfg, True))}
    assert "custom1" not in nodes and nodes["custom0"][2]["batch_rois"] == "128"
    assert nodes["cls_prob"][2] == {"normalization": "valid"}
    assert nodes["bbox_loss"][2] == {"grad_scale": "0.0078125"}
    assert symbols.get_symbol_rcnn(LIGHT, cfg, True).list_outputs() == ["cls_prob_reshape_output",
                                                                        "bbox_loss_reshape_output"]


def test_names_do_not_depend_on_what_was_built_before(dump, port_cfg):
    first = symbols.get_symbol(LIGHT, port_cfg(), True).tojson()
    with mx.name.Prefix("net_"):
        mx.sym.Variable("a") - mx.sym.Variable("b")
        assert symbols.get_symbol(LIGHT, port_cfg(), True).tojson() == first


@pytest.mark.parametrize("name", symbols.symbol_names())
def test_saved_graphs_load_and_hold_no_pickle(name, dump, port_cfg, tmp_path):
    symbol = symbols.get_symbol(name, port_cfg(), True)
    symbol.save(str(tmp_path / "graph.json"))
    assert mx.sym.load(str(tmp_path / "graph.json")).tojson() == symbol.tojson()
    for *_, attrs, _ in dump.nodes_of(symbol):
        for value in attrs.values():
            assert len(value) < 60 and value.isprintable()


def test_names():
    assert symbols.symbol_names() == sorted([LIGHT, RFCN, XCEPTION])


def test_errors(port_cfg):
    with pytest.raises(ValueError, match="unknown symbol 'vgg'; known: %s, %s, %s" % (RFCN, LIGHT, XCEPTION)):
        symbols.get_symbol("vgg", port_cfg())
    with pytest.raises(ValueError, match="NUM_CLASSES is 0"):
        symbols.get_symbol(LIGHT, port_cfg("dataset.NUM_CLASSES", "0"))
    with pytest.raises(ValueError, match="RPN_FEAT_STRIDE is .4, 8.; these graphs have one map"):
        symbols.get_symbol(LIGHT, with_values(port_cfg(), {"network.RPN_FEAT_STRIDE": (4, 8)}))
