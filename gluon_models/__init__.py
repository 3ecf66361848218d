"""Gluon models: hybrid blocks with the parameter names of the original symbolic graphs."""
from .faster_rcnn import FasterRCNN
from .light_head_fpn import LightHeadFPN
from .light_head_rcnn import LightHeadRCNN
from .model_zoo import get_model, model_names, model_options
from .rfcn import RFCN
from .training import TrainingGraph

__all__ = ["FasterRCNN", "LightHeadFPN", "LightHeadRCNN", "RFCN", "TrainingGraph", "get_model", "model_names",
           "model_options"]
