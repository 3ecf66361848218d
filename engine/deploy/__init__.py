"""Exported detectors: files that need no configuration and no model code."""
