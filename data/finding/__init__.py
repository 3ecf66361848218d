"""Finding: what a folder of annotated images is, which image sets it has, and how to read them."""
from .datasets import AutoDataset
from .finder import find_annotations, find_sets
from .found import FoundDataset, FoundSet
from .layouts import LAYOUTS

__all__ = ["LAYOUTS", "AutoDataset", "FoundDataset", "FoundSet", "find_annotations", "find_sets"]
