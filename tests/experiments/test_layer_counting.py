"""Counting of single layers, by hand."""
import pytest
from mxnet.gluon import nn

from light_head_rcnn.experiments.benchmarks.counting import count_costs, count_network


# Layer on an input (1, 6, 10, 14), its parameters, its multiply-adds.
@pytest.mark.parametrize("layer, parameters, cost", [
    (nn.Conv2D(8, 3, padding=1), 8 * 6 * 9 + 8, 8 * 10 * 14 * 6 * 9),
    (nn.Conv2D(8, (15, 1), padding=(7, 0), use_bias=False), 8 * 6 * 15, 8 * 10 * 14 * 6 * 15),
    (nn.Conv2D(6, 3, strides=2, padding=1, groups=6), 6 * 9 + 6, 6 * 5 * 7 * 9),
    (nn.Conv2D(4, 3, padding=2, dilation=2), 4 * 6 * 9 + 4, 4 * 10 * 14 * 6 * 9),
    (nn.Conv2DTranspose(5, 2, strides=2, in_channels=6), 6 * 5 * 4 + 5, 6 * 10 * 14 * 5 * 4),
    (nn.Dense(7), 7 * 6 * 140 + 7, 7 * 6 * 140),
    (nn.BatchNorm(), 12, 0),
], ids=["conv", "tall", "depthwise", "dilated", "deconvolution", "dense", "norm"])
def test_one_layer(layer, parameters, cost):
    net = nn.HybridSequential()
    # Makes 6 channels of an image's 3.
    net.add(nn.Conv2D(6, 1, in_channels=3, use_bias=False), layer)
    assert count_network(net, 10, 14) == (parameters + 18, cost + 18 * 140)


@pytest.mark.parametrize("layer, access", [
    (nn.Conv2D(8, 3, padding=1), 140 * (6 + 8) + 9 * 6 * 8),  # hw(ci + co) + k^2 ci co
    (nn.Conv2D(6, 3, padding=1, groups=6), 140 * (6 + 6) + 9 * 6),
    (nn.Conv2D(8, 3, strides=2, padding=1), 140 * 6 + 35 * 8 + 9 * 6 * 8),
    (nn.Dense(7), 6 * 140 + 7 + 7 * 6 * 140),
    (nn.BatchNorm(), 0),
], ids=["conv", "depthwise", "stride", "dense", "norm"])
def test_memory_access_of_one_layer(layer, access):
    net = nn.HybridSequential()
    net.add(nn.Conv2D(6, 1, in_channels=3, use_bias=False), layer)
    assert count_costs(net, 10, 14).memory_access == access + 140 * (3 + 6) + 3 * 6
