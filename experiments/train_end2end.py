"""Trains a detector end to end: the same as `lhrcnn train`."""
import sys

from light_head_rcnn.experiments.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
