"""Gives the last layers of a random detector the spread of a trained one, so that its work is that of a trained one.

Random weights alone let no score pass a threshold, or all of them, and put all boxes in one place or beyond the image.
"""
from typing import Callable, List, Sequence, Tuple

import mxnet as mx
import numpy as np

# Standard deviations of what the layers answer: logits of objectness and of classes, deltas of proposals and of boxes.
OBJECTNESS_SPREAD, PROPOSAL_SPREAD, CLASS_SPREAD, BOX_SPREAD = 3.0, 0.3, 2.0, 0.5
# Pairs of a box and a class whose scores pass a detector's own threshold, in every detector.
CANDIDATES = 1000


def draw_weights(net: mx.gluon.Block) -> None:
    """Draws the weights of a network with parameters, so that values keep their size from layer to layer.

    MXNet's default weights would end in denormal numbers, which are slow. Normalisations pass values on as they are.

    Args:
        net: its parameters have shapes and values; those that are neither weights, biases nor of normalisations stay.
    """
    rng = np.random.RandomState(0)
    ends = {"_bias": 0, "_beta": 0, "_gamma": 1, "_mean": 0, "_var": 1}
    for name, parameter in net.collect_params().items():
        if name.endswith("_weight"):
            deviation = (2 / np.prod(parameter.shape[1:])) ** 0.5
            parameter.set_data(mx.nd.array(rng.normal(0, deviation, parameter.shape)))
        else:
            for end in ends:
                if name.endswith(end):
                    parameter.set_data(mx.nd.full(parameter.shape, ends[end]))


def spread(layers: Sequence[mx.gluon.Block], run: Callable[[], object], deviation: float) -> None:
    """Scales and shifts layers so that each output channel has mean 0, and all together a standard deviation.

    Args:
        layers: convolutions or dense layers with biases; each is scaled by itself.
        run: runs the network, not hybridized, on the photograph.
        deviation: the standard deviation.
    """
    for layer, answer in zip(layers, outputs_of(layers, run)):
        means = answer.mean(axis=0)
        scale = deviation / max(float((answer - means).std()), 1e-12)
        layer.weight.set_data(layer.weight.data() * scale)
        layer.bias.set_data((layer.bias.data() - mx.nd.array(means)) * scale)


def outputs_of(layers: Sequence[mx.gluon.Block], run: Callable[[], object]) -> List[np.ndarray]:
    """What layers answer, each as float32 (positions, channels)."""
    found = {}

    def keep(layer: mx.gluon.Block, _: object, output: mx.nd.NDArray) -> None:
        array = output.asnumpy()
        found[layer] = array if array.ndim == 2 else np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    run()
    for hook in hooks:
        hook.detach()
    return [found[layer] for layer in layers]


def softmax_scores(logits: np.ndarray) -> np.ndarray:
    """Probabilities of the classes, background (column 0) not among them."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True))[:, 1:]


def sigmoid_scores(logits: np.ndarray) -> np.ndarray:
    """Scores of the classes by YOLO's rule: those of the objectness (column 0) times those of each class."""
    shares = 1 / (1 + np.exp(-logits))
    return shares[:, :1] * shares[:, 1:]


def first_column_bias(logits: np.ndarray, threshold: float, scores: Callable[[np.ndarray], np.ndarray],
                      more_is_more: bool, candidates: int = CANDIDATES) -> Tuple[float, int]:
    """What to add to the first column of logits, so that about `candidates` scores pass a threshold.

    Args:
        logits: float (n, classes + 1), background or objectness first.
        threshold: that scores must exceed.
        scores: `softmax_scores` or `sigmoid_scores`.
        more_is_more: whether a larger bias lets more scores pass, as that of objectness does.
        candidates: how many scores should pass.

    Returns:
        The bias, and how many scores pass with it.
    """
    low, high, logits = -60.0, 60.0, logits.astype(np.float64)
    for _ in range(30):
        bias = (low + high) / 2
        moved = logits.copy()
        moved[:, 0] += bias
        passing = int((scores(moved) > threshold).sum())
        low, high = (bias, high) if (passing < candidates) == more_is_more else (low, bias)
    return bias, passing
