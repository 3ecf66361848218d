"""Writes the paper's tables: `python experiments/reproduce_tables.py --help`."""
import sys

from light_head_rcnn.experiments.commands.tables import main

if __name__ == "__main__":
    sys.exit(main())
