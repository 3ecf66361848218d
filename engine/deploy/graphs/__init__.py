"""Graphs of MXNet as nodes that Python reads, changes and writes back."""
