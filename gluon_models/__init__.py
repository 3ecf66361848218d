"""Gluon models: hybrid blocks with the parameter names of the original symbolic graphs."""
from .detector import LightHeadRCNN
from .model_zoo import get_model, model_names
from .training import TrainingGraph

__all__ = ["LightHeadRCNN", "TrainingGraph", "get_model", "model_names"]
