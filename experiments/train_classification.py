"""Trains a backbone as a classifier: the same as `lhrcnn pretrain`."""
import sys

from light_head_rcnn.experiments.commands.pretrain import main

if __name__ == "__main__":
    sys.exit(main())
