"""The custom operators of the MXNet original's graphs, in NumPy.

They are readable, and draw from NumPy's global generator exactly as those of the MXNet original do, which they never
seed. Importing this package registers `proposal`, `proposal_target` and `BoxAnnotatorOHEM` with MXNet.
"""
from . import box_annotator_ohem, proposal, proposal_target  # noqa: F401
