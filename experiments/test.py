"""Tests a detector on a data set: the same as `lhrcnn test`."""
import sys

from light_head_rcnn.experiments.commands.test import main

if __name__ == "__main__":
    sys.exit(main())
