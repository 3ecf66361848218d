"""The networks of the sources in NumPy, written from the papers and driven by the names of the authors' state dicts.

A network is a function of `State`, which looks arrays up by the authors' keys, and of images (N, 3, H, W). It returns
its maps in a dict and, where the state has a last layer, "logits".
"""
import re

import numpy as np
from numpy.lib.stride_tricks import as_strided

from light_head_rcnn.gluon_models.backbones.torch_names import gluon_name


class State:
    """Arrays by the names of `gluon_name`, asked for by the authors' keys."""

    def __init__(self, arrays):
        self.arrays = arrays
        self.asked = set()

    def __call__(self, key, is_norm=False):
        name = gluon_name(key, is_norm)
        self.asked.add(name)
        return np.asarray(self.arrays[name], np.float64)

    def has(self, key):
        return gluon_name(key, False) in self.arrays


def windows(x, kernel, stride, dilation=1):
    """(N, C, h, w, kernel, kernel): the windows of maps (N, C, H, W)."""
    reach = dilation * (kernel - 1) + 1
    (n, c, height, width), (sn, sc, sy, sx) = x.shape, x.strides
    shape = n, c, (height - reach) // stride + 1, (width - reach) // stride + 1, kernel, kernel
    return as_strided(x, shape, (sn, sc, sy * stride, sx * stride, sy * dilation, sx * dilation), writeable=False)


def pad(x, near, far, value=0.0):
    return np.pad(x, ((0, 0), (0, 0), (near, far), (near, far)), constant_values=value)


def conv(state, key, x, stride=1, dilation=1, padding=None):
    weight = state(f"{key}.weight")
    outputs, inputs, kernel, _ = weight.shape
    near, far = (kernel // 2 * dilation,) * 2 if padding is None else padding
    groups = x.shape[1] // inputs
    parts = []
    for part, w in zip(np.split(x, groups, 1), np.split(weight, groups)):
        view = windows(np.ascontiguousarray(pad(part, near, far)), kernel, stride, dilation)
        n, _, h, width = view.shape[:4]
        columns = view.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * width, -1)
        parts.append((columns @ w.reshape(len(w), -1).T).reshape(n, h, width, -1).transpose(0, 3, 1, 2))
    out = np.concatenate(parts, 1)
    assert out.shape[1] == outputs
    return out + state(f"{key}.bias")[:, None, None] if state.has(f"{key}.bias") else out


def norm(state, key, x, eps=1e-5):
    scale, shift, mean, var = (state(f"{key}.{end}", True)[:, None, None] for end in
                               ("weight", "bias", "running_mean", "running_var"))
    return (x - mean) / np.sqrt(var + eps) * scale + shift


def relu(x):
    return np.maximum(x, 0)


def mish(x):
    return x * np.tanh(np.logaddexp(0, x))


def max_pool(x, near, far):
    """3x3, stride 2."""
    return windows(pad(x, near, far, -np.inf), 3, 2).max((4, 5))


def mean_pool(x, kernel, stride, padding=0):
    return windows(pad(x, padding, padding), kernel, stride).mean((4, 5))


def add_logits(state, maps, x, key):
    if state.has(f"{key}.weight"):
        maps["logits"] = x.mean((2, 3)) @ state(f"{key}.weight").T + state(f"{key}.bias")
    return maps


def count(state, pattern):
    """How many distinct numbers stand in the place of {} among the authors' keys with "_" for "." and "/"."""
    expression = re.compile(re.escape(pattern).replace(r"\{\}", r"(\d+)"))
    return len({match.group(1) for match in map(expression.match, state.arrays) if match})


def vovnet(state, x):
    def conv_norm(key, x, stride=1):
        if state.has(f"{key}/dw_conv3x3.weight"):
            x = conv(state, f"{key}/pw_conv1x1", conv(state, f"{key}/dw_conv3x3", x, stride))
            return relu(norm(state, f"{key}/pw_norm", x))
        return relu(norm(state, f"{key}/norm", conv(state, f"{key}/conv", x, stride)))

    for number, stride in ((1, 2), (2, 1), (3, 2)):
        x = conv_norm(f"stem.stem_{number}", x, stride)
    maps = {"stem": x}
    for stage in (2, 3, 4, 5):
        if stage > 2:  # PyTorch's ceil_mode: one row and column more where the last window would reach over
            x = max_pool(x, 0, 1)[:, :, :x.shape[2] // 2, :x.shape[3] // 2]
        for module in range(1, count(state, f"stage{stage}_OSA{stage}_{{}}_concat") + 1):
            name = f"OSA{stage}_{module}"
            path, before, parts = f"stage{stage}.{name}", x, [x]
            if state.has(f"{path}.conv_reduction.{name}_reduction_0/conv.weight"):
                x = conv_norm(f"{path}.conv_reduction.{name}_reduction_0", x)
            for layer in range(count(state, f"stage{stage}_{name}_layers_{{}}_")):
                x = conv_norm(f"{path}.layers.{layer}.{name}_{layer}", x)
                parts.append(x)
            x = conv_norm(f"{path}.concat.{name}_concat", np.concatenate(parts, 1))
            if state.has(f"{path}.ese.fc.weight"):
                gate = conv(state, f"{path}.ese.fc", x.mean((2, 3), keepdims=True))
                x = x * np.clip(gate + 3, 0, 6) / 6
            x = x + before if module > 1 else x
        maps[f"stage{stage}"] = x
    return add_logits(state, maps, x, "classifier")


def res2net(state, x, plus=False):
    act = mish if plus else relu

    def conv_norm(conv_key, norm_key, x, stride=1, act_first=plus):
        x = conv(state, conv_key, x, stride)
        return norm(state, norm_key, act(x)) if act_first else act(norm(state, norm_key, x))

    if plus:
        for number, stride in ((1, 2), (2, 1), (3, 1)):
            x = conv_norm(f"conv{number}.0", f"conv{number}.2", x, stride)
    else:
        x = conv_norm("conv1", "bn1", x, 2)
    x = max_pool(x, 1, 1)
    maps = {}
    for layer in (1, 2, 3, 4):
        for unit in range(count(state, f"layer{layer}_{{}}_conv1_")):
            key, first = f"layer{layer}.{unit}", unit == 0
            stride = 2 if first and layer > 1 else 1
            groups = np.split(conv_norm(f"{key}.conv1", f"{key}.bn1", x), 4, 1)
            done = []
            for i in range(3):
                part = groups[i] if first or i == 0 else groups[i] + done[-1]
                done.append(conv_norm(f"{key}.convs.{i}", f"{key}.bns.{i}", part, stride, act_first=False))
            done.append(mean_pool(groups[3], 3, stride, 1) if first else groups[3])
            out = norm(state, f"{key}.bn3", conv(state, f"{key}.conv3", np.concatenate(done, 1)))
            if first:
                x = norm(state, f"{key}.downsample.1", conv(state, f"{key}.downsample.0", x, stride))
            x = act(out + x)
        maps[f"layer{layer}"] = x
    return add_logits(state, maps, x, "fc")


def efficientnet_lite0(state, x):
    """Of images whose sides are multiples of 32: all maps that are halved have even sides."""
    def conv_norm(conv_key, norm_key, x, stride=1, act=lambda x: np.clip(x, 0, 6)):
        kernel = state(f"{conv_key}.weight").shape[2]
        padding = None if stride == 1 else ((kernel - 2) // 2, kernel - 2 - (kernel - 2) // 2)
        return act(norm(state, norm_key, conv(state, conv_key, x, stride, padding=padding), 1e-3))

    x = conv_norm("_conv_stem", "_bn0", x, 2)
    maps, block = {"stem": x}, 0
    for stage, (repeats, stride) in enumerate(((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)), 1):
        for i in range(repeats):
            key, before = f"_blocks.{block}", x
            if state.has(f"{key}._expand_conv.weight"):
                x = conv_norm(f"{key}._expand_conv", f"{key}._bn0", x)
            x = conv_norm(f"{key}._depthwise_conv", f"{key}._bn1", x, 1 if i else stride)
            x = conv_norm(f"{key}._project_conv", f"{key}._bn2", x, act=lambda x: x)
            x = x + before if i else x
            block += 1
        maps[f"stage{stage}"] = x
    if state.has("_conv_head.weight"):
        x = conv_norm("_conv_head", "_bn1", x)
    return add_logits(state, maps, x, "_fc")


def densenet(state, x):
    x = max_pool(relu(norm(state, "features.norm0", conv(state, "features.conv0", x, 2))), 1, 1)
    maps = {"stem": x}
    for block in (1, 2, 3, 4):
        if block > 1:
            x = mean_pool(conv(state, f"features.transition{block - 1}.conv", x), 2, 2)
        for layer in range(1, count(state, f"features_denseblock{block}_denselayer{{}}_conv1") + 1):
            key = f"features.denseblock{block}.denselayer{layer}"
            new = conv(state, f"{key}.conv1", relu(norm(state, f"{key}.norm1", x)))
            x = np.concatenate([x, conv(state, f"{key}.conv2", relu(norm(state, f"{key}.norm2", new)))], 1)
        x = relu(norm(state, f"features.transition{block}.norm" if block < 4 else "features.norm5", x))
        maps[f"denseblock{block}"] = x
    return add_logits(state, maps, x, "classifier")


def resnet(state, x):
    """v1b to v1d and ResNeXt."""
    def conv_norm(conv_key, norm_key, x, stride=1):
        return norm(state, norm_key, conv(state, conv_key, x, stride))

    if state.has("conv1.0.weight"):
        x = relu(conv_norm("conv1.0", "conv1.1", x, 2))
        x = relu(conv_norm("conv1.6", "bn1", relu(conv_norm("conv1.3", "conv1.4", x))))
    else:
        x = relu(conv_norm("conv1", "bn1", x, 2))
    x = max_pool(x, 1, 1)
    maps = {}
    for layer in (1, 2, 3, 4):
        for unit in range(count(state, f"layer{layer}_{{}}_conv1_")):
            key, stride = f"layer{layer}.{unit}", 2 if unit == 0 and layer > 1 else 1
            out = relu(conv_norm(f"{key}.conv1", f"{key}.bn1", x))
            out = relu(conv_norm(f"{key}.conv2", f"{key}.bn2", out, stride))
            out = conv_norm(f"{key}.conv3", f"{key}.bn3", out)
            if gluon_name(f"{key}.downsample.2.weight", True) in state.arrays:
                x = conv_norm(f"{key}.downsample.1", f"{key}.downsample.2", mean_pool(x, stride, stride))
            elif unit == 0:
                x = conv_norm(f"{key}.downsample.0", f"{key}.downsample.1", x, stride)
            x = relu(out + x)
        maps[f"layer{layer}"] = x
    return add_logits(state, maps, x, "fc")
