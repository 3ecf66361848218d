"""State dicts under the names of detectron2, timm and transformers; and files that hold a backbone more than once."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.backbones.resnet import DEPTHS
from light_head_rcnn.gluon_models.weights.description import IMAGENET_PIXELS
from light_head_rcnn.gluon_models.weights.torch_models import weights_of

NORM = ("weight", "bias", "running_mean", "running_var")
GLUON = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}


def conv_and_norm(rng, conv, norm, shape):
    """Tensors of a convolution and of the normalisation that follows it."""
    return {f"{conv}.weight": rng.normal(size=shape).astype("float32"),
            **{f"{norm}.{end}": rng.uniform(1, 2, shape[0]).astype("float32") for end in NORM}}


def resnet50(name_layer, groups=1, width=64):
    """A ResNet-50 or ResNeXt-50: name_layer(stage, unit, layer) gives the names of a convolution and its norm.

    Stage 0 is the stem; layer 0 is the shortcut.
    """
    rng = np.random.RandomState(0)
    found = conv_and_norm(rng, *name_layer(0, 0, 1), (64, 3, 7, 7))
    channels = 64
    for stage, units in enumerate(DEPTHS[50][0], 1):
        inner, outer = groups * width * 2 ** (stage - 1), 128 * 2 ** stage
        for unit in range(units):
            shapes = {1: (inner, channels, 1, 1), 2: (inner, inner // groups, 3, 3), 3: (outer, inner, 1, 1)}
            for layer, shape in ({0: (outer, channels, 1, 1), **shapes} if unit == 0 else shapes).items():
                found.update(conv_and_norm(rng, *name_layer(stage, unit, layer), shape))
            channels = outer
    return found


def in_detectron2(stage, unit, layer):
    place = f"res{stage + 1}.{unit}." if stage else "stem."
    conv = place + (f"conv{layer}" if layer else "shortcut")
    return conv, conv + ".norm"


def in_transformers(stage, unit, layer):
    place = (f"resnet.encoder.stages.{stage - 1}.layers.{unit}." + (f"layer.{layer - 1}" if layer else "shortcut")
             if stage else "resnet.embedder.embedder")
    return place + ".convolution", place + ".normalization"


def in_torchvision(stage, unit, layer):
    place = f"layer{stage}.{unit}." if stage else ""
    return (f"{place}conv{layer}", f"{place}bn{layer}") if layer else (f"{place}downsample.0", f"{place}downsample.1")


@pytest.fixture(scope="module")
def detectron2():
    return resnet50(in_detectron2)


def behind(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize("prefix", ["backbone.bottom_up.", "backbone.", "model.backbone.bottom_up.", ""])
def test_detectron2_strides_in_the_1x1_and_reads_blue_green_red(detectron2, prefix):
    found = weights_of("x.pth", behind(prefix, detectron2))
    assert (found.model, found.content, found.turned) == ("resnet50_v1", "backbone", True)
    assert found.settings == {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True}
    assert found.pixels == ((123.675, 116.28, 103.53), (1.0, 1.0, 1.0))
    assert "by default reads blue, green, red" in found.notes[0] and "first 1x1" in found.notes[0]
    np.testing.assert_array_equal(found.arrays["conv1_weight"], detectron2["stem.conv1.weight"][:, ::-1])
    for ours, theirs in (("res2a_branch1_weight", "res2.0.shortcut.weight"),
                         ("bn_conv1_gamma", "stem.conv1.norm.weight"),
                         ("bn3c_branch2b_moving_var", "res3.2.conv2.norm.running_var"),
                         ("bn5a_branch1_beta", "res5.0.shortcut.norm.bias")):
        np.testing.assert_array_equal(found.arrays[ours], detectron2[theirs])


def test_pixel_means_of_the_file_decide(detectron2):
    """Files of 2020 hold them. Red first: weights of torchvision, which stride in the 3x3."""
    pixels = {"pixel_mean": np.float32([123.675, 116.28, 103.53]), "pixel_std": np.float32([58.395, 57.12, 57.375])}
    tensors = {**behind("backbone.bottom_up.", detectron2),
               **{name: array.reshape(3, 1, 1) for name, array in pixels.items()}}
    found = weights_of("x.pth", tensors)
    assert (found.model, found.turned, found.settings) == ("resnet50_v1b", False, {})
    assert found.pixels == ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)) and "its file says" in found.notes[0]
    np.testing.assert_array_equal(found.arrays["conv1_weight"], detectron2["stem.conv1.weight"])


def test_resnext_of_detectron2_strides_in_the_3x3():
    found = weights_of("x.pth", behind("backbone.bottom_up.", resnet50(in_detectron2, 32, 4)))
    assert (found.model, found.turned, found.settings) == ("resnext50_32x4d", True, {})
    assert found.pixels == ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def test_the_last_stage_of_a_c4_model_is_in_its_head(detectron2):
    tensors = {("roi_heads." if name.startswith("res5") else "backbone.") + name: tensor
               for name, tensor in detectron2.items()}
    found = weights_of("x.pth", tensors)
    assert found.model == "resnet50_v1"
    np.testing.assert_array_equal(found.arrays["res5c_branch2c_weight"], detectron2["res5.2.conv3.weight"])
    tensors["roi_heads.res5.0.conv2_offset.weight"] = np.ones((18, 2), "float32")
    with pytest.raises(CheckpointError, match=r"others among them, .*:\n  .*res5.0.conv2_offset.weight \(18, 2\)$"):
        weights_of("x.pth", tensors)


def test_transformers():
    tensors = resnet50(in_transformers)
    found = weights_of("x.safetensors", {**tensors, "classifier.1.weight": np.ones((2, 2), "float32")})
    assert (found.model, found.turned) == ("resnet50_v1b", False)
    assert found.pixels == ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    np.testing.assert_array_equal(found.arrays["layer2_0_downsample_1_beta"],
                                  tensors["resnet.encoder.stages.1.layers.0.shortcut.normalization.bias"])
    np.testing.assert_array_equal(found.arrays["layer4_2_conv3_weight"],
                                  tensors["resnet.encoder.stages.3.layers.2.layer.2.convolution.weight"])


def test_a_caffe_styled_network_of_mmdetection_is_told_about():
    tensors = behind("state_dict.backbone.", resnet50(in_torchvision))
    assert weights_of("x.pth", tensors).notes == ()
    found = weights_of("x.pth", {**tensors, "state_dict.rpn_head.rpn_conv.weight": np.ones((2, 2, 3, 3), "float32")})
    assert found.model == "resnet50_v1b" and "style='caffe'" in found.notes[0]


@pytest.mark.parametrize("averaged, plain", [("model_ema.", "model."), ("ema.", "state_dict."),
                                             ("state_dict_ema.", "state_dict."), ("ema.module.", "model.")])
def test_the_moving_average_is_taken(averaged, plain):
    tensors = resnet50(in_torchvision)
    doubled = {name: 2 * tensor for name, tensor in tensors.items()}
    found = weights_of("x.pth", {**behind(plain, tensors), **behind(averaged, doubled)})
    np.testing.assert_array_equal(found.arrays["conv1_weight"], doubled["conv1.weight"])
    assert f"that of '{averaged}' is taken, the moving average." in found.notes[0]
    assert not [name for name in found.arrays if name.startswith((plain, averaged))]


def to_timm_lite(name):
    """timm's name of a parameter of EfficientNet-Lite0, and the tensor's ending."""
    if "blocks" not in name:
        layer = {"_conv_stem": "conv_stem", "_bn0": "bn1"}[name.rpartition("_")[0] if "moving" not in name else "_bn0"]
        return layer
    index = int(name.split("_")[2])
    stage, before = 0, 0
    for count in (1, 2, 2, 3, 3, 4, 1):
        if index < before + count:
            break
        stage, before = stage + 1, before + count
    first = {"depthwise_conv": "conv_dw", "bn1": "bn1", "project_conv": "conv_pw", "bn2": "bn2"}
    others = {"expand_conv": "conv_pw", "bn0": "bn1", "depthwise_conv": "conv_dw", "bn1": "bn2",
              "project_conv": "conv_pwl", "bn2": "bn3"}
    layer = next(layer for layer in others if f"__{layer}_" in name)
    return f"blocks.{stage}.{index - before}.{(others if stage else first)[layer]}"


def torch_ending(name):
    return {gluon: torch for torch, gluon in GLUON.items()}.get(
        next((end for end in GLUON.values() if name.endswith("_" + end)), ""), name.rpartition("_")[2])


def parameters(name):
    return {own: np.full(parameter.shape, number % 97 + 1, "float32") for number, (own, parameter) in
            enumerate(registry.BACKBONES.get(name).build(frozen=True).collect_params().items())}


def test_timm_efficientnet_lite0():
    arrays = parameters("efficientnet_lite0")
    tensors = {f"{to_timm_lite(name)}.{torch_ending(name)}": array for name, array in arrays.items()}
    found = weights_of("model.safetensors", tensors)
    assert found.model == "efficientnet_lite0" and found.pixels == ((127.5,) * 3, (127.5,) * 3)
    assert "tf_efficientnet_lite0" in found.notes[0]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def to_timm_vovnet(name):
    """timm's name of a layer of a VoVNet, from the name of one of its parameters here."""
    layer = {"_conv_": "conv", "_norm_": "bn", "_dw_conv3x3_": "conv_dw", "_pw_conv1x1_": "conv_pw", "_pw_norm_": "bn"}
    kind = next(theirs for ours, theirs in sorted(layer.items(), key=lambda pair: -len(pair[0]))
                if ours in name[-40:] or "ese_fc" in name)
    if name.startswith("stem"):
        return f"stem.{int(name.split('_')[2]) - 1}.{kind}"
    stage, block = int(name[5]) - 2, int(name.split("_")[2]) - 1
    place = f"stages.{stage}.blocks.{block}."
    if "ese_fc" in name:
        return place + "attn.fc"
    if "layers" in name:
        return f"{place}conv_mid.{name.split('_layers_')[1][0]}.{kind}"
    return f"{place}{'conv_reduction' if 'reduction' in name else 'conv_concat'}.{kind}"


def test_timm_efficientnet_with_attention_is_refused():
    """timm's efficientnet_b0 has all layers of Lite0, and attention beside them."""
    tensors = {f"{to_timm_lite(name)}.{torch_ending(name)}": array
               for name, array in parameters("efficientnet_lite0").items()}
    tensors["blocks.1.0.se.conv_reduce.weight"] = np.ones((4, 96, 1, 1), "float32")
    with pytest.raises(CheckpointError, match=r"network:\n  blocks.1.0.se.conv_reduce.weight \(4, 96, 1, 1\)$"):
        weights_of("model.safetensors", tensors)


@pytest.mark.parametrize("attention", [{}, {"stages.0.blocks.0.attn.conv.weight": np.ones((1, 1, 5), "float32")}])
def test_timm_vovnet_of_other_sums_or_attention_is_refused(attention):
    tensors = {f"{to_timm_vovnet(name)}.{torch_ending(name)}": array for name, array in parameters("vovnet39").items()}
    with pytest.raises(CheckpointError, match="model.safetensors holds none .* vovnet57a and eca_vovnet39b: the first "
                                              "two do not add the input of a module"):
        weights_of("model.safetensors", {**tensors, **attention})


@pytest.mark.parametrize("shape", [(), (1 << 20,), (1 << 20, 1, 1, 1)])
def test_timm_vovnet_of_other_shapes_is_refused(shape):
    """What is put in has the square of the channels that a file has."""
    tensors = {f"{to_timm_vovnet(name)}.{torch_ending(name)}": array
               for name, array in parameters("vovnetv2_39").items() if not name.startswith("stage4_OSA4_1_ese")}
    concat = "stages.2.blocks.0.conv_concat.conv.weight"
    assert concat in tensors
    with pytest.raises(CheckpointError, match="nearest to vovnetv2_39, but not that"):
        weights_of("x.pth", {**tensors, concat: np.zeros(shape, "float32")})


@pytest.mark.parametrize("model", ["vovnetv2_19_dw", "vovnetv2_39"])
def test_timm_vovnet(model):
    """timm leaves out the attention of all modules of a stage but the last: what is filled in multiplies by 1."""
    arrays = parameters(model)
    last = {"stage4_OSA4_1", "stage5_OSA5_1"} if model.endswith("39") else set()
    tensors = {f"{to_timm_vovnet(name)}.{torch_ending(name)}": array for name, array in arrays.items()
               if not (name[:13] in last and "ese" in name)}
    assert len(tensors) == len(arrays) - (4 if model == "vovnetv2_39" else 0)
    found = weights_of("model.safetensors", tensors)
    assert found.model == model
    for name, array in arrays.items():
        if name[:13] not in last or "ese" not in name:
            np.testing.assert_array_equal(found.arrays[name], array)
    if model == "vovnetv2_39":
        fc = mx.gluon.nn.Conv2D(768, 1, in_channels=768)
        fc.initialize()
        fc.weight.set_data(mx.nd.array(found.arrays["stage4_OSA4_1_ese_fc_weight"]))
        fc.bias.set_data(mx.nd.array(found.arrays["stage4_OSA4_1_ese_fc_bias"]))
        ones = mx.nd.hard_sigmoid(fc(mx.nd.random.normal(shape=(2, 768, 1, 1))), alpha=1 / 6, beta=0.5)
        np.testing.assert_array_equal(ones.asnumpy(), 1)


PLACES = {"vgg16": ((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), (0, 3, 6)),
          "alexnet": ((0, 3, 6, 8, 10), (1, 4, 6))}


def plain_network(model, of_classifier=0.0):
    """The tensors of torchvision's VGG-16 or AlexNet, without their memory, and the names that they have here."""
    classifier = registry.BACKBONES.get(model).build(classes=1000).collect_params()
    places = [(part, place) for part, numbers in zip(("features", "classifier"), PLACES[model]) for place in numbers]
    layers = dict(zip(dict.fromkeys(name.rpartition("_")[0] for name in classifier), places))
    tensors, names = {}, {}
    for number, (name, parameter) in enumerate(classifier.items()):
        (part, place), end = layers[name.rpartition("_")[0]], name.rpartition("_")[2]
        value = np.float32(number + 1 + (of_classifier if part == "classifier" else 0))
        tensors[f"{part}.{place}.{end}"] = np.broadcast_to(value, parameter.shape)
        names[f"{part}.{place}.{end}"] = name
    return tensors, names


@pytest.mark.parametrize("model", PLACES)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_plain_networks_of_torchvision_with_the_hidden_layers_of_their_classifiers(model, prefix):
    tensors, names = plain_network(model)
    found = weights_of("x.pth", {prefix + name: array for name, array in tensors.items()})
    assert found.model == model and found.pixels == IMAGENET_PIXELS and set(found.arrays) == set(names.values())
    for name, own in names.items():
        assert found.arrays[own].shape == tensors[name].shape and found.arrays[own].flat[0] == tensors[name].flat[0]


def test_vgg_with_the_convolutions_of_caffe_has_other_pixels_and_no_hidden_layers():
    tensors, names = plain_network("vgg16", np.nan)
    found = weights_of("x.pth", tensors)
    assert found.model == "vgg16" and found.pixels.stds == (1.0,) * 3
    np.testing.assert_allclose(found.pixels.means, (123, 117, 104), atol=0.01)
    taken = {own for own in names.values() if own.startswith("conv")}
    assert taken <= set(found.arrays) and not any(name.startswith("fc") for name in found.arrays)


def test_other_networks_of_this_kind_are_not_taken_for_vgg16():
    tensors, _ = plain_network("vgg16")
    deeper = {**tensors, "features.30.weight": tensors["features.28.weight"]}
    with pytest.raises(CheckpointError):
        weights_of("x.pth", deeper)


def test_what_is_unknown_is_told_which_names_are_understood():
    with pytest.raises(CheckpointError, match="first tensors: blocks.0.attn.qkv.weight. Understood.*\n.*torchvision"):
        weights_of("x.pth", {"blocks.0.attn.qkv.weight": np.ones((3, 3), "float32")})
