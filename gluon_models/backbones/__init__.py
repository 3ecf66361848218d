"""Backbones: from an image to a map for the RPN and a map for the head, or to the levels of a pyramid, or to classes.

Each file is a family: one builder over a table of numbers, all of them a `Backbone`.
"""
from .base import Backbone
from .densenet import DenseNet
from .efficientnet_lite import EfficientNetLite0
from .plain import PlainNetwork
from .res2net import Res2Net
from .resnet import PyramidResNet, ResNet, TorchvisionResNet
from .vovnet import VoVNet
from .xception import PyramidXception, Xception, XceptionClassifier

__all__ = ["Backbone", "DenseNet", "EfficientNetLite0", "PlainNetwork", "PyramidResNet", "PyramidXception", "Res2Net",
           "ResNet", "TorchvisionResNet", "VoVNet", "Xception", "XceptionClassifier"]
