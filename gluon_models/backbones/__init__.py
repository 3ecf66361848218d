"""Backbones: from an image to a map for the RPN and one for the head, at stride 16, or to the maps of a pyramid."""
from .resnet import PyramidResNet, ResNet
from .xception import PyramidXception, Xception, XceptionClassifier

__all__ = ["PyramidResNet", "PyramidXception", "ResNet", "Xception", "XceptionClassifier"]
