"""Times whole detectors beside those of GluonCV and torchvision."""
import contextlib
import math
import os
import tempfile
import time
from pathlib import Path
from typing import List

from ...errors import UsageError
from .benchmark_options import add_threads, make_parser, other_threads_wanted, require, run_with_threads

EXAMPLES = """
lhrcnn benchmark detectors --peer-python ~/torch/bin/python --threads 2
lhrcnn benchmark detectors --only s ssd300 matrix --rounds 3
"""


def main(argv: List[str]) -> int:
    """Times our detectors beside those of GluonCV and torchvision, from a JPEG file to boxes, by turns.

    The weights are random, and set so that each detector has as many boxes over its score threshold as a trained one.
    Ours run in MXNet, ONNX Runtime and OpenVINO, in float32, bfloat16 and int8. What is not installed is left out, and
    the end of the table says so. It takes some minutes."""
    began = time.monotonic()
    parser = make_parser("lhrcnn benchmark detectors", main.__doc__, EXAMPLES)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of s, l (our settings), ssd300, ssd512, yolo3 "
                        "(GluonCV), fasterrcnn, fasterrcnn300 (with 300 proposals instead of 1000), ssdlite "
                        "(torchvision) and matrix (a product of two matrices; default: all)")
    parser.add_argument("--peer-python", metavar="FILE", help="a Python that has torch, torchvision and onnx, for the "
                        "detectors of torchvision (default: this one)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="how often it is each detector's turn "
                        "(default: 7)")
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="timed images in a turn (default: 2)")
    parser.add_argument("--minutes", type=float, default=math.inf, metavar="M", help="begin no round that would end "
                        "later than so many minutes from the start (default: no limit)")
    parser.add_argument("--quick", action="store_true", help="one image in one round, to try the command")
    parser.add_argument("--work", metavar="DIR", help="keep weights and exports in this folder, and use those that are "
                        "there (default: a temporary folder)")
    parser.add_argument("--out", metavar="DIR", default="output/benchmark_detectors", help="write the numbers "
                        "(detectors.json), the tables (detectors.txt) and a picture (detectors.png) to this folder "
                        "(default: output/benchmark_detectors)")
    add_threads(parser)
    args = parser.parse_args(argv)
    for option, number in (("--rounds", args.rounds), ("--repeats", args.repeats)):
        require(option, number, 1)
    if other_threads_wanted(args.threads):
        return run_with_threads("detectors", argv, args.threads)

    from ...engine.files import atomic_write, write_json
    from ..benchmarks.detectors import benchmark, picture, table
    unknown = [name for name in args.only or () if name not in benchmark.KEYS]
    if unknown:
        raise UsageError(f"--only: there is no {unknown[0]!r}; known: {', '.join(benchmark.KEYS)}")
    rounds, repeats = (1, 1) if args.quick else (args.rounds, args.repeats)
    with contextlib.ExitStack() as stack:
        folder = args.work or stack.enter_context(tempfile.TemporaryDirectory())
        results = benchmark.run(args.only or list(benchmark.KEYS), rounds, repeats, args.peer_python, folder,
                                lambda line: print(line, flush=True), began + 60 * args.minutes)
    lines = table.format_tables(results)
    print("\n".join(lines))
    os.makedirs(args.out, exist_ok=True)
    write_json(os.path.join(args.out, "detectors.json"), results)
    with atomic_write(os.path.join(args.out, "detectors.txt")) as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")
    picture.plot_speeds(results["rows"], os.path.join(args.out, "detectors.png"))
    return 0
