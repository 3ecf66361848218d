"""Backbones: from an image to a map for the RPN and a map for the head, at stride 16, or to four maps for a pyramid."""
from .resnet import PyramidResNet, ResNet
from .xception import PyramidXception, Xception, XceptionClassifier

__all__ = ["PyramidResNet", "PyramidXception", "ResNet", "Xception", "XceptionClassifier"]
