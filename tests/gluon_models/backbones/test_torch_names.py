"""Names and shapes: those of the authors' state dicts, by one rule."""
import json
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.gluon_models.backbones.torch_names import gluon_name, node_name

FACTS = Path(__file__).resolve().parents[4] / "shared" / "facts" / "torch_backbones.json"
# Name of the state dict in the file, name of the backbone, and whether the state dict has a classifier.
STATE_DICTS = [("vovnet/vovnet27_slim", "vovnet27_slim", True), ("vovnetv2/V-39-eSE", "vovnetv2_39", False),
               ("vovnetv2/V-19-dw-eSE", "vovnetv2_19_dw", False), ("res2net/res2net50_26w_4s", "res2net50", True),
               ("torchvision/resnet50", "resnet50_v1b", True), ("torchvision/densenet121", "densenet121", True),
               ("efficientnet_lite0", "efficientnet_lite0", True)]


@pytest.mark.parametrize("key, is_norm, name", [
    ("stage2.OSA2_1.layers.0.OSA2_1_0/conv.weight", False, "stage2_OSA2_1_layers_0_OSA2_1_0_conv_weight"),
    ("stage2.OSA2_1.concat.OSA2_1_concat/norm.weight", True, "stage2_OSA2_1_concat_OSA2_1_concat_norm_gamma"),
    ("layer1.0.downsample.1.bias", True, "layer1_0_downsample_1_beta"),
    ("_blocks.0._bn1.running_mean", True, "_blocks_0__bn1_moving_mean"),
    ("bn1.running_var", True, "bn1_moving_var"), ("fc.bias", False, "fc_bias"),
    ("bn1.num_batches_tracked", True, None), ("bn1.scale", True, None)])
def test_rule(key, is_norm, name):
    assert gluon_name(key, is_norm) == name


def test_node_name():
    assert node_name("stem.stem_1/conv") == "stem_stem_1_conv"


@pytest.mark.parametrize("key, name, has_classifier", STATE_DICTS)
def test_parameters_are_those_of_the_authors_state_dict(build_backbone, key, name, has_classifier):
    if not FACTS.is_file():
        pytest.skip(f"the names of the authors' state dicts are not here: {FACTS}")
    tensors = json.loads(FACTS.read_text())[key]
    norms = {tensor.rpartition(".")[0] for tensor in tensors if tensor.endswith(".running_var")}
    expected = {gluon_name(tensor, tensor.rpartition(".")[0] in norms): tuple(shape)
                for tensor, shape in tensors.items()}
    del expected[None]
    net = build_backbone(name, classes=1000) if has_classifier else build_backbone(name, output_stride=32)
    assert {parameter: p.shape for parameter, p in net.collect_params().items()} == expected


@pytest.mark.parametrize("name", ["efficientnet_lite0", "vovnetv2_19_slim_dw"])
def test_names_go_through_symbols_and_files(build_backbone, randomize, tmp_path, name):
    """Names that begin with an underscore or hold two of them are names of symbols and of exported files as well."""
    net = build_backbone(name)
    arrays = randomize(net)
    x = mx.nd.random.normal(shape=(1, 3, 64, 96))
    expected = [part.asnumpy() for part in net(x)]
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    assert set(graph.list_arguments() + graph.list_auxiliary_states()) == {"data", *arrays}
    net.hybridize()
    hybrid = [part.asnumpy() for part in net(x)]
    net.export(str(tmp_path / "net"))
    again = mx.gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), ["data"], str(tmp_path / "net-0000.params"))
    for found in hybrid, [part.asnumpy() for part in again(x)]:
        for one, other in zip(found, expected):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
