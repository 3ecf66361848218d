"""Checkpoints and parameter files: written atomically, read with a list of all mismatches, and free of code."""
