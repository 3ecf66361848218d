"""Gluon models: hybrid blocks with the parameter names of the original symbolic graphs."""
from .light_head_rcnn import LightHeadRCNN
from .model_zoo import get_model, model_names
from .rfcn import RFCN
from .training import TrainingGraph

__all__ = ["LightHeadRCNN", "RFCN", "TrainingGraph", "get_model", "model_names"]
