"""Runs a network of torchvision on arrays named as here. A program of its own, for a Python that has PyTorch:

    python torchvision_network.py TORCH_NAMES.py NAME INPUT.npz OUTPUT.npz

INPUT.npz holds the images "x" and the parameters by their names here; OUTPUT.npz gets "logits", and "rpn" and "head",
the last two stages of the network whose last stage is dilated. VGG-16 and AlexNet get the arrays in the order of their
tensors; of a file with those of the convolutions alone they give "head" alone, their last map.
"""
import importlib.util
import sys

import numpy as np
import torch
import torchvision
from torchvision.models.resnet import Bottleneck, ResNet

# Name here: builder of torchvision's network. torchvision has no function for ResNeXt-101 32x4d.
RESNETS = {
    "resnet50_v1b": torchvision.models.resnet50, "resnet101_v1b": torchvision.models.resnet101,
    "resnext50_32x4d": torchvision.models.resnext50_32x4d, "resnext101_32x8d": torchvision.models.resnext101_32x8d,
    "resnext101_64x4d": torchvision.models.resnext101_64x4d,
    "resnext101_32x4d": lambda **options: ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=4, **options),
}
PLAIN = {"vgg16": torchvision.models.vgg16, "alexnet": torchvision.models.alexnet}
DENSENETS = {"densenet121": torchvision.models.densenet121, "densenet169": torchvision.models.densenet169}


def main(names_file, name, input_file, output_file):
    spec = importlib.util.spec_from_file_location("torch_names", names_file)
    names = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(names)
    arrays = dict(np.load(input_file))
    x = torch.from_numpy(arrays.pop("x"))
    if name in PLAIN:
        return run_plain(name, x, arrays, output_file)
    classes = len(arrays["fc_bias" if name in RESNETS else "classifier_bias"])
    nets = [{**RESNETS, **DENSENETS}[name](num_classes=classes)]
    if name in RESNETS:
        nets.append(RESNETS[name](num_classes=classes, replace_stride_with_dilation=[False, False, True]))
    for net in nets:
        state = net.state_dict()
        norms = {key.rpartition(".")[0] for key in state if key.endswith(".running_var")}
        own = {key: names.gluon_name(key, key.rpartition(".")[0] in norms) for key in state}
        assert set(arrays) == set(filter(None, own.values()))
        net.load_state_dict({key: torch.from_numpy(arrays[own[key]]) if own[key] else state[key] for key in state})
        net.eval()
    results = {}
    with torch.no_grad():
        results["logits"] = nets[0](x)
        if name in RESNETS:
            for output, layer in ("rpn", "layer3"), ("head", "layer4"):
                getattr(nets[1], layer).register_forward_hook(
                    lambda module, inputs, found, output=output: results.update({output: found}))
            nets[1](x)
    np.savez(output_file, **{key: value.numpy() for key, value in results.items()})


def run_plain(name, x, arrays, output_file):
    net = PLAIN[name](num_classes=len(arrays.get("fc8_bias", "x"))).eval()
    part = net if "fc8_bias" in arrays else net.features
    part.load_state_dict(dict(zip(part.state_dict(), map(torch.from_numpy, arrays.values()))))
    with torch.no_grad():
        results = {"head": net.features[:-1](x)}  # without the last pooling
        if part is net:
            results["logits"] = net(x)
    np.savez(output_file, **{key: value.numpy() for key, value in results.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
