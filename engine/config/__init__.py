"""Configurations: the table of keys, reading files and overrides, and what values mean."""
from .loading import *  # noqa: F401,F403
