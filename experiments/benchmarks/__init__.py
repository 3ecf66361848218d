"""Benchmarks: the native operators beside MXNet's own, and the training steps of several configurations."""
