"""Benchmarks: the operators against MXNet's own, and training steps."""
