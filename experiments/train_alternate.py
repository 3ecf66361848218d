"""Trains a symbolic graph in four stages; see light_head_rcnn/experiments/commands/train_alternate.py."""
import sys

from light_head_rcnn.experiments.commands.train_alternate import main

if __name__ == "__main__":
    sys.exit(main())
