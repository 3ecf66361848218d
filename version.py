"""The version of this package, which setup.py and exports name."""

__version__ = "0.2.0"
