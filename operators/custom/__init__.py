"""The custom operators of the original graphs, in NumPy: readable, and drawing from `numpy.random` as the originals.

Importing this package registers `proposal`, `proposal_target` and `BoxAnnotatorOHEM` with MXNet.
"""
from . import box_annotator_ohem, proposal, proposal_target  # noqa: F401
