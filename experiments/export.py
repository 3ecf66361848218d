"""Exports a trained detector: the same as `lhrcnn export`."""
import sys

from light_head_rcnn.experiments.commands.export import main

if __name__ == "__main__":
    sys.exit(main())
