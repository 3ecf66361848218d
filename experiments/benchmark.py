"""Times the native operators beside MXNet's own, or training steps: `python experiments/benchmark.py --help`."""
import sys

from light_head_rcnn.experiments.commands.benchmark import main

if __name__ == "__main__":
    sys.exit(main())
