"""Figures of image sets, what is odd in them, tables of both, and how a set is divided."""
