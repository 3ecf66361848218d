"""Proposals from outside: boxes that may hold an object, found by other programs or by `methods`, one list an image."""
from .entry import Entry
from .geometry import scaled_proposals, unique_at_stride
from .image_names import ImageNames, names_of
from .npz_files import FileOfProposals, describe_npz, write_proposals
from .proposal_set import MAX_PER_IMAGE, ProposalSet, load_proposals
from .reading import read_proposals
from .rules import RULES, usable_boxes

__all__ = ["MAX_PER_IMAGE", "RULES", "Entry", "FileOfProposals", "ImageNames", "ProposalSet", "describe_npz",
           "load_proposals", "names_of", "read_proposals", "scaled_proposals", "unique_at_stride", "usable_boxes",
           "write_proposals"]
