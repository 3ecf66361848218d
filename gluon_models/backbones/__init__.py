"""Backbones: from an image to one map for the RPN and one for the head, both at stride 16."""
from .resnet import ResNet
from .xception import Xception, XceptionClassifier

__all__ = ["ResNet", "Xception", "XceptionClassifier"]
