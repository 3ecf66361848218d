"""Graphs against those of the MXNet original, node by node; what every option changes; registration by name."""
import json
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn import symbols
from light_head_rcnn.errors import ModelError
from light_head_rcnn.symbols import registry

LIGHT, RFCN, XCEPTION = "resnet_v1_101_rfcn_light", "resnet_v1_101_rfcn", "xception_rfcn_light"
PLAIN = {"fg_thresh": "0.5", "bg_thresh_hi": "0.5", "bg_thresh_lo": "0.0", "bbox_means": "(0.0, 0.0, 0.0, 0.0)",
         "bbox_stds": "(0.1, 0.1, 0.2, 0.2)", "bbox_weights": "(1.0, 1.0, 1.0, 1.0)"}


def without_pickle(nodes):
    """The one allowed difference: plain attributes in place of the pickled configuration."""
    return [(op, name, {**{key: value for key, value in attrs.items() if key != "cfg"}, **PLAIN}
             if attrs.get("op_type") == "proposal_target" else attrs, inputs) for op, name, attrs, inputs in nodes]


@pytest.mark.parametrize("kind", ["test", "train"])
def test_light_head_equals_the_original(kind, dump):
    expected, given, outputs = dump.original_graph(kind)
    symbol = symbols.get_symbol(LIGHT, is_train=kind == "train")
    assert not dump.differences(dump.nodes_of(symbol), without_pickle(expected))
    arguments, found, auxiliary = symbol.infer_shape(**given)
    assert dict(zip(symbol.list_outputs(), found)) == outputs
    path = Path(__file__).parents[1] / "gluon_models" / "mxnet_original_parameters.json"
    shapes = {name: tuple(shape) for name, (shape, _) in json.loads(path.read_text()).items()}
    shapes.update(given)
    names = symbol.list_arguments() + symbol.list_auxiliary_states()
    assert {name: shapes[name] for name in names} == dict(zip(names, arguments + auxiliary))
    assert [name for op, name, *_ in expected if op == "null" and name in symbol.list_arguments()] == \
        symbol.list_arguments()


def test_a_changed_node_is_seen(dump):
    expected = dump.original_graph("test")[0]
    nodes = dump.nodes_of(symbols.get_symbol(LIGHT, is_train=False))
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
    names = [f"{name}_weight", f"{name}_bias"]
    return [("null", n, attrs, []) for n in names] + [("Convolution", name, attrs, [data] + names)]


def reshape(name, shape, data):
    return ("Reshape", name, {"shape": shape}, [data])


def vote(kind, channels, average, out, shape, rois):
    pooled = f"psroipooled_{kind}_rois"
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
def test_rfcn_is_the_original_with_its_own_head(kind, dump):
    light, given, _ = dump.original_graph(kind)
    light = without_pickle(light)
    shared = light[:[n[1] for n in light].index("res5c_relu") + 1]
    symbol = symbols.get_symbol(RFCN, is_train=kind == "train")
    assert not dump.differences(dump.nodes_of(symbol), shared + rfcn_head(kind, light))
    assert symbol.infer_shape(**given)[1]


@pytest.mark.parametrize("operator", ["custom", "contrib", "native"])
def test_the_data_give_the_shape_of_im_info(operator):
    symbol = symbols.get_symbol(LIGHT, is_train=False, proposal_operator=operator, post_nms=30)
    arguments, found, _ = symbol.infer_shape(data=(1, 3, 64, 96))
    assert dict(zip(symbol.list_arguments(), arguments))["im_info"] == (1, 3)
    assert found[0] == (30, 5)


@pytest.mark.parametrize("name", [LIGHT, RFCN])
def test_partial_graphs_are_parts_of_the_whole(name, dump):
    """Nodes of the partial graphs are the whole graph's, but for inputs in place of what is not there."""
    for train in (True, False):
        whole = {n[1]: n for n in dump.nodes_of(symbols.get_symbol(name, train))}
        rpn = dump.nodes_of(symbols.get_symbol_rpn(name, train))
        for op, node, attrs, inputs in rpn:
            expected = dict(whole[node][2])
            if node == "rpn_cls_prob" and train:
                expected["grad_scale"] = "1.0"
            if node == "rois":
                expected["output_score"] = "True"
            assert (op, attrs, inputs) == (whole[node][0], expected, whole[node][3])
        rcnn = dump.nodes_of(symbols.get_symbol_rcnn(name, train))
        inputs = {"rois": "(-1, 5)", "label": "(-1,)", "bbox_target": "(-1, 8)", "bbox_weight": "(-1, 8)"}
        for op, node, attrs, sources in rcnn:
            if node in inputs:
                assert op == "null"
            elif node[:-8] in inputs:
                assert (op, attrs, sources) == ("Reshape", {"shape": inputs[node[:-8]]}, [node[:-8]])
            elif node == "cls_prob" and train:
                assert attrs == dict(whole[node][2], grad_scale="1.0")
        heads = {"_contrib_PSROIPooling", "FullyConnected", "Convolution", "Pooling", "SoftmaxActivation", "MakeLoss"}
        expected = {k: n[2] for k, n in whole.items() if n[0] in heads and not k.startswith("rpn_")}
        assert {n[1]: n[2] for n in rcnn if n[0] in heads} == expected
    assert symbols.get_symbol_rpn(name, False).list_outputs() == ["rois_output", "rois_score"]
    assert symbols.get_symbol_rcnn(name, True).list_outputs() == [
        "cls_prob_reshape_output", "bbox_loss_reshape_output", "blockgrad0_output"]


def convs(*attrs):
    """What changes in the thin map's four convolutions, whose parameters carry their attributes, too."""
    return {f"conv_new_{i}{part}": dict(attrs) for i in (1, 2, 3, 4) for part in ("_weight", "_bias", "")}


# For each option another value, and the attributes that it changes of the training graph: {node: {attribute: value}}.
CHANGES = [
    ("num_classes", 21, {"custom1": {"num_classes": "21"}, "cls_score": {"num_hidden": "21"},
                         "cls_score_weight": {"num_hidden": "21"}, "cls_score_bias": {"num_hidden": "21"},
                         "cls_prob_reshape": {"shape": "(1, -1, 21)"}}),
    ("class_agnostic", False, {"custom0": {"num_classes": "81"}, "custom1": {"num_reg_classes": "81"},
                               **{f"bbox_pred{part}": {"num_hidden": "324"} for part in ("", "_weight", "_bias")},
                               "bbox_loss_reshape": {"shape": "(1, -1, 324)"}}),
    ("anchor_ratios", (1, 3, 4), {"rois": {"ratios": "(1, 3, 4)"}}),
    ("anchor_scales", (1, 2, 3, 4), {"rois": {"scales": "(1, 2, 3, 4)"}}),
    ("proposal_operator", "custom", {"rois": {"feat_stride": "16", "op_type": "proposal"}}),
    ("pre_nms", 500, {"rois": {"rpn_pre_nms_top_n": "500"}}),
    ("post_nms", 50, {"rois": {"rpn_post_nms_top_n": "50"}}),
    ("rpn_nms", 0.6, {"rois": {"threshold": "0.6"}}),
    ("rpn_min_size", 3, {"rois": {"rpn_min_size": "3"}}),
    ("rpn_batch_size", 128, {"rpn_bbox_loss": {"grad_scale": "0.0078125"}}),
    ("roi_batch_size", 64, {"custom0": {"batch_rois": "64"}}),
    ("fg_fraction", 0.5, {"custom0": {"fg_fraction": "0.5"}}),
    ("fg_iou", 0.6, {"custom0": {"fg_thresh": "0.6"}}),
    ("bg_iou_high", 0.4, {"custom0": {"bg_thresh_hi": "0.4"}}),
    ("bg_iou_low", 0.1, {"custom0": {"bg_thresh_lo": "0.1"}}),
    ("box_means", (1.0, 2.0, 3.0, 4.0), {"custom0": {"bbox_means": "(1.0, 2.0, 3.0, 4.0)"}}),
    ("box_stds", (1.0, 2.0, 3.0, 4.0), {"custom0": {"bbox_stds": "(1.0, 2.0, 3.0, 4.0)"}}),
    ("box_weights", (1.0, 2.0, 3.0, 4.0), {"custom0": {"bbox_weights": "(1.0, 2.0, 3.0, 4.0)"}}),
    ("ohem", 256, {"custom1": {"roi_per_img": "256"}, "bbox_loss": {"grad_scale": "0.00390625"}}),
    ("box_loss_weight", 2.0, {"bbox_loss": {"grad_scale": "0.015625"}}),
    ("neck_lr_mult", 1.0, convs(("__lr_mult__", "1.0"))),
]


def changes_of(dump, **options):
    """{node: {attribute: value}} of what options change in the training graph of Light-Head R-CNN."""
    before, after = (dump.nodes_of(symbols.get_symbol(LIGHT, True, **more)) for more in ({}, options))
    assert len(after) == len(before)
    return {a[1]: {key: b[2].get(key) for key in b[2] if b[2].get(key) != a[2].get(key)}
            for a, b in zip(before, after) if a != b}


@pytest.mark.parametrize("option, value, expected", CHANGES, ids=lambda value: value if isinstance(value, str) else "")
def test_an_option_changes_what_it_says_and_nothing_else(option, value, expected, dump):
    assert changes_of(dump, **{option: value}) == expected


def test_options_of_many_nodes(dump):
    assert set(map(str, changes_of(dump, norm="batch").values())) == {"{'use_global_stats': 'False'}"}
    moved = changes_of(dump, stride_in_1x1=False)
    assert set(moved) == {f"res{stage}a_branch2{branch}{part}" for stage in (3, 4) for branch in "ab"
                          for part in ("", "_weight")}
    assert moved["res3a_branch2a"] == {"stride": "(1, 1)"} and moved["res4a_branch2b"] == {"stride": "(2, 2)"}
    several = changes_of(dump, images=2)
    assert several["custom0"] == several["custom1"] == {"batch_images": "2"}
    assert several["rpn_bbox_loss"] == {"grad_scale": str(1 / 512)} and several["bbox_loss"] == {
        "grad_scale": str(1 / 256)}
    tested = {option for option, *_ in CHANGES} | {"norm", "stride_in_1x1", "images"}
    # The two others change the number of nodes, see below.
    assert symbols.symbol_options(LIGHT) == tested | {"relu", "roi_pool"}


def test_other_place_of_relu_and_other_pooling(dump):
    nodes = {name: (op, attrs, inputs) for op, name, attrs, inputs in dump.nodes_of(
        symbols.get_symbol(LIGHT, relu="after_sum", roi_pool="psroi_align"))}
    assert not {f"relu{i}" for i in (1, 2, 3, 4)} & set(nodes)
    assert nodes["conv_new_2"][2][0] == "conv_new_1" and nodes["light_head"][2] == ["conv_new_2", "conv_new_4"]
    assert nodes["light_head_relu"] == ("Activation", {"act_type": "relu"}, ["light_head"])
    op, attrs, inputs = nodes["roi_pool"]
    assert op == "ps_roi_align" and inputs[1] == "custom0"
    assert nodes[inputs[0]][0] == "_copy" and nodes[inputs[0]][2] == ["light_head_relu"]
    assert (attrs["output_dim"], attrs["pooled_size"], attrs["spatial_scale"]) == ("10", "7", "0.0625")


def test_options_of_the_other_networks():
    shared = symbols.symbol_options(LIGHT)
    assert symbols.symbol_options(XCEPTION) == shared - {"stride_in_1x1"}
    assert symbols.symbol_options(RFCN) == shared - {"relu", "roi_pool"}


@pytest.mark.parametrize("images", [1, 2])
def test_without_mining_all_drawn_rois_count(images, dump):
    options = dict(ohem=0, roi_batch_size=128, images=images)
    nodes = {n[1]: n for n in dump.nodes_of(symbols.get_symbol(LIGHT, True, **options))}
    assert "custom1" not in nodes and nodes["custom0"][2]["batch_rois"] == str(128 * images)
    assert nodes["cls_prob"][2] == {"normalization": "valid"}
    assert nodes["bbox_loss"][2] == {"grad_scale": str(1 / 128 / images)}
    assert symbols.get_symbol_rcnn(LIGHT, True, **options).list_outputs() == [
        "cls_prob_reshape_output", "bbox_loss_reshape_output"]


def test_names_do_not_depend_on_what_was_built_before():
    first = symbols.get_symbol(LIGHT).tojson()
    with mx.name.Prefix("net_"):
        mx.sym.Variable("a") - mx.sym.Variable("b")
        assert symbols.get_symbol(LIGHT).tojson() == first


@pytest.mark.parametrize("name", symbols.symbol_names())
def test_saved_graphs_load_and_hold_no_pickle(name, dump, tmp_path):
    symbol = symbols.get_symbol(name)
    symbol.save(str(tmp_path / "graph.json"))
    assert mx.sym.load(str(tmp_path / "graph.json")).tojson() == symbol.tojson()
    for *_, attrs, _ in dump.nodes_of(symbol):
        for value in attrs.values():
            assert len(value) < 60 and value.isprintable()


def test_names():
    assert symbols.symbol_names() == sorted([LIGHT, RFCN, XCEPTION])


@pytest.mark.parametrize("name, options, words", [
    ("vgg", {}, f"unknown symbol 'vgg'; known: {RFCN}, {LIGHT}, {XCEPTION}"),
    (LIGHT, {"num_classes": 1}, "num_classes is 1"),
    (LIGHT, {"depth": 50}, f"{LIGHT} has no option 'depth'; its options: anchor_ratios, "),
    (RFCN, {"roi_pool": "psroi_align"}, f"{RFCN} has no option 'roi_pool'"),
    (XCEPTION, {"stride_in_1x1": True}, f"{XCEPTION} has no option 'stride_in_1x1'"),
    (LIGHT, {"rpn_channels": 3}, "has no option 'rpn_channels'"),
    (LIGHT, {"relu": "both"}, "relu is 'both'; known: inside, after_sum"),
    (LIGHT, {"roi_pool": "roi_pool"}, "roi_pool is 'roi_pool'; known: psroi_pool, psroi_align"),
    (RFCN, {"norm": "group"}, "norm is 'group'; known: frozen, batch"),
    (XCEPTION, {"norm": "group"}, "norm is 'group'; known: frozen, batch"),
    (LIGHT, {"proposal_operator": True}, "proposal_operator is True; known: contrib, custom, native"),
    (LIGHT, {"ohem": 0}, "roi_batch_size is -1: without ohem it must be at least 1")])
def test_errors(name, options, words):
    with pytest.raises(ModelError, match=words):
        symbols.get_symbol(name, **options)


def test_a_network_of_a_users_own(monkeypatch):
    monkeypatch.setattr(registry.SYMBOLS, "entries", dict(registry.SYMBOLS.entries))

    @symbols.register_symbol("mine")
    def mine(channels=8, **options):
        def backbone(data):
            data = mx.sym.Convolution(data, kernel=(16, 16), stride=(16, 16), num_filter=channels, name="mine")
            return data, data

        def head(head_map, rois, num_classes, num_reg_classes):
            pooled = mx.sym.ROIPooling(head_map, rois, pooled_size=(1, 1), spatial_scale=1 / 16)
            return (mx.sym.FullyConnected(pooled, num_hidden=num_classes),
                    mx.sym.FullyConnected(pooled, num_hidden=4 * num_reg_classes))

        return symbols.DetectorGraphs(backbone, head, rpn_channels=3, box_sigma=1.0, stride=16, **options)

    assert "mine" in symbols.symbol_names() and symbols.symbol_options("mine") >= {"channels", "num_classes"}
    graph = symbols.get_symbol("mine", False, channels=5, num_classes=4, post_nms=7)
    arguments, outputs, _ = graph.infer_shape(data=(1, 3, 64, 96))
    assert dict(zip(graph.list_arguments(), arguments))["mine_weight"] == (5, 3, 16, 16)
    assert outputs == [(7, 5), (1, 7, 4), (1, 7, 8)]
    with pytest.raises(ModelError, match="mine has no option 'depth'"):
        symbols.get_symbol("mine", depth=3)
    for name in ("mine", LIGHT):
        with pytest.raises(ModelError, match=f"a symbol named '{name}' is registered already"):
            symbols.register_symbol(name, mine)
