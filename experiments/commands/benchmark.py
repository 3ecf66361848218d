"""Benchmarks: the first word names what is timed, the others are its arguments."""
import sys
from typing import Dict

from . import options
from .dispatch import dispatch

# Each is a module of this folder, benchmark_backbones and so on, with `main(argv)`.
COMMANDS: Dict[str, str] = {
    "backbones": "count and time every backbone, and check its authors' claims",
    "detectors": "time whole detectors beside those of GluonCV and torchvision",
    "operators": "time the native operators beside MXNet's own",
    "streams": "time detectors on files, one by one and as a stream",
    "serving": "time servers of detectors at 1 to 16 clients",
    "training": "time training steps of several configurations",
    "scaling": "work out what several machines make of a training step, and measure it with two processes",
    "data": "time the reading of large data sets",
    "packed": "time a million images, as files and packed",
}

EXAMPLES = """
lhrcnn benchmark operators --ops align pool --threads 1
lhrcnn benchmark backbones --backbones vovnet39 resnet50_v1b --rounds 2 --repeats 1
lhrcnn benchmark detectors --only s ssd300 matrix --rounds 3
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs a benchmark, which prints a table and can write its numbers as JSON.

    Args:
        argv: the words of the command line, the benchmark's name first; default: those of this process.

    Returns:
        The exit status.
    """
    return dispatch("lhrcnn benchmark", COMMANDS, "benchmark_", sys.argv[1:] if argv is None else argv,
                    examples=EXAMPLES)


if __name__ == "__main__":
    sys.exit(main())
