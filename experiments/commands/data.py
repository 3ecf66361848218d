"""Looks at data sets, divides them and converts them: the first word names what, the others are its arguments."""
import sys
from typing import Dict

from . import options
from .dispatch import dispatch

# Each is a module of this folder, data_check and so on, with `main(argv)`.
COMMANDS: Dict[str, str] = {
    "check": "find out what a folder is, count its images and boxes, and say what is odd",
    "show": "draw the ground truth on photographs, or truth and detections together, worst images first",
    "split": "divide a data set into sets to train on and to test on",
    "anchors": "find scales and ratios of anchors that cover the boxes",
    "convert": "write a data set in another layout",
    "pack": "write a data set as few large files that are read in order",
    "crops": "cut every labelled object out, as a set of images by class to pretrain on",
}


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    return dispatch("lhrcnn data", COMMANDS, "data_", sys.argv[1:] if argv is None else argv)
