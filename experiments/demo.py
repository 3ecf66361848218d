"""Detects objects in photographs: the same as `lhrcnn detect`."""
import sys

from light_head_rcnn.experiments.commands.detect import main

if __name__ == "__main__":
    sys.exit(main())
