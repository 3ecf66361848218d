"""Times training steps of several configurations; the same as `python experiments/benchmark.py training`."""
import sys
from typing import Optional, Sequence

from light_head_rcnn.experiments.commands import benchmark


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs `experiments/benchmark.py training` with the words `argv`; returns the exit status."""
    return benchmark.main(["training", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
