"""The MXNet original's way to ask for a graph, by a configuration, and the values that no graph can have."""
import pytest

from light_head_rcnn import symbols
from light_head_rcnn.engine.building import symbols_from_config
from light_head_rcnn.engine.config import load_config, with_values
from light_head_rcnn.errors import ConfigError, ModelError

LIGHT = "resnet_v1_101_rfcn_light"


@pytest.fixture
def coco(tmp_path):
    """A configuration of default values, with COCO's number of classes."""
    path = tmp_path / "coco.yaml"
    path.write_text("dataset: {NUM_CLASSES: 81}\n")
    return load_config(path)


@pytest.mark.parametrize("name", symbols.symbol_names())
@pytest.mark.parametrize("is_train", [True, False])
def test_default_values_are_those_of_the_symbols(name, is_train, coco):
    for function in ("get_symbol", "get_symbol_rpn", "get_symbol_rcnn"):
        found = getattr(symbols_from_config, function)(name, coco, is_train)
        assert found.tojson() == getattr(symbols, function)(name, is_train).tojson()
    one_level = with_values(coco, {"network.RPN_FEAT_STRIDE": (16,)})
    assert symbols_from_config.graph_options(name, one_level, is_train) == symbols_from_config.graph_options(
        name, coco, is_train)


@pytest.mark.parametrize("key, value, words", [
    ("dataset.NUM_CLASSES", 0, "dataset.NUM_CLASSES is 0"), ("dataset.NUM_CLASSES", 1, "dataset.NUM_CLASSES is 1"),
    ("network.RPN_FEAT_STRIDE", (4, 8), r"network.RPN_FEAT_STRIDE is \(4, 8\); .* one map for the RPN, of stride 16"),
    ("network.RPN_FEAT_STRIDE", 8, "network.RPN_FEAT_STRIDE is 8"),
    ("network.NECK", "pointwise", f"network.NECK is 'pointwise'; {LIGHT} has only 'large_separable'"),
    ("network.HIDDEN_UNITS", 0, f"network.HIDDEN_UNITS is 0; {LIGHT} has only 2048"),
    ("network.ROI_POOL", "roi_pool", f"network.ROI_POOL is 'roi_pool'; {LIGHT} has only 'psroi_pool' and "),
    ("TEST.BOX_REGRESSION", False, "TEST.BOX_REGRESSION is false; the symbolic graph")])
def test_values_that_no_graph_has(key, value, words, coco):
    with pytest.raises(ConfigError, match=words):
        symbols_from_config.get_symbol(LIGHT, with_values(coco, {key: value}))


def test_unknown_names(coco):
    with pytest.raises(ModelError, match=f"unknown symbol 'vgg'; known: .*{LIGHT}"):
        symbols_from_config.get_symbol("vgg", coco)
