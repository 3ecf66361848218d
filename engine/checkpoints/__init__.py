"""Checkpoints and parameter files: written whole or not at all, read with every mismatch listed, free of code."""
