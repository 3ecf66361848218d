"""Writes the state dict of a network of timm, an input and its last map. A program of its own, for a Python with timm:

    python timm_network.py NAME FILE.npz
"""
import sys

import numpy as np
import timm
import torch


def fill(net: torch.nn.Module) -> None:
    """Fills a network with random numbers with which the maps of deep networks stay finite."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in net.state_dict().items():
        if tensor.ndim == 4:
            fan_in = tensor[0].numel()
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5)
        elif name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif tensor.is_floating_point():
            is_scale = tensor.ndim == 1 and name.endswith("weight")
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1 + is_scale)


def main() -> None:
    name, path = sys.argv[1:]
    net = timm.create_model(name, pretrained=False).eval()
    found = {}
    with torch.no_grad():
        fill(net)
        last = net.blocks if "efficientnet" in name else None
        if last is not None:  # its features go through one more convolution, which no detector has
            last.register_forward_hook(lambda module, inputs, output: found.update(map=output.numpy()))
        x = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
        features = net.forward_features(x)
    tensors = {f"tensor:{key}": tensor.numpy() for key, tensor in net.state_dict().items()}
    np.savez(path, x=x.numpy(), **{"map": features.numpy(), **found}, **tensors)


main()
