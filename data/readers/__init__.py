"""Readers: one module for each layout of annotation files."""
from .coco import CocoDataset
from .voc import VocDataset

__all__ = ["CocoDataset", "VocDataset"]
