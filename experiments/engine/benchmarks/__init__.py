"""Benchmarks of the operators against MXNet's own."""
