"""Gluon models, registered by name: hybrid blocks with the parameter names of the graphs of the MXNet original."""
from .classifier import ClassifierLoss, get_classifier
from .detector import TwoStageDetector
from .detector_losses import DetectorLosses
from .fast_rcnn import FastRCNN
from .fast_rcnn_losses import FastRCNNLosses
from .faster_rcnn import FasterRCNN
from .light_head_fpn import LightHeadFPN
from .light_head_rcnn import LightHeadRCNN
from .model_zoo import backbone_names, get_model, model_names, model_options, needs_proposals
from .registry import (register_backbone, register_classes, register_detector, register_model,
                       register_pyramid_backbone)
from .rfcn import RFCN
from .roi_detector import RoIDetector

__all__ = ["ClassifierLoss", "DetectorLosses", "FastRCNN", "FastRCNNLosses", "FasterRCNN", "LightHeadFPN",
           "LightHeadRCNN", "RFCN", "RoIDetector", "TwoStageDetector", "backbone_names", "get_classifier", "get_model",
           "model_names", "model_options", "needs_proposals", "register_backbone", "register_classes",
           "register_detector", "register_model", "register_pyramid_backbone"]
