"""Weights from elsewhere: one reader a format, told apart by content, each to the names of the networks here."""
from .description import BACKBONE, DETECTOR, Pixels, Weights, with_channels_reversed
from .named import NAMED_SOURCES
from .reading import read_weights, with_names_of

__all__ = ["BACKBONE", "DETECTOR", "NAMED_SOURCES", "Pixels", "Weights", "read_weights",
           "with_channels_reversed", "with_names_of"]
