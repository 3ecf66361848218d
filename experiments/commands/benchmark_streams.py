"""Times detectors on files one by one and as a stream."""
import tempfile
from pathlib import Path
from typing import List

from .benchmark_options import add_threads, make_parser, other_threads_wanted, require, run_with_threads

EXAMPLES = """
lhrcnn benchmark streams output/shapes_s models/blood_onnx
"""


def main(argv: List[str]) -> int:
    """Times detectors on JPEG files, one by one and as a stream, by turns; an ONNX export in each engine."""
    parser = make_parser("lhrcnn benchmark streams", main.__doc__, EXAMPLES)
    parser.add_argument("detectors", nargs="+", metavar="PATH", help="checkpoints, folders of trainings and exports")
    parser.add_argument("--images", nargs="+", metavar="IMAGE", help="image files and folders (default: noise of the "
                        "size of the detector's input)")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="images in a turn (default: 16)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    add_threads(parser)
    args = parser.parse_args(argv)
    for option, number in (("--count", args.count), ("--rounds", args.rounds)):
        require(option, number, 1)
    if other_threads_wanted(args.threads):
        return run_with_threads("streams", argv, args.threads)

    from ...engine.deploy.detectors import load_detector
    from ...engine.files import write_json
    from ...engine.inference.image_files import find_images
    from ..benchmarks import machine, streams
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in args.detectors:
            for engine in streams.engines_of(path):
                detector = load_detector(path, engine=engine)
                files = [file for file, _ in find_images(args.images)] if args.images else (
                    streams.write_images(Path(folder), detector, args.count))
                rows.append({"detector": path, "engine": engine,
                             **streams.measure(detector, files[:args.count], args.rounds)})
    found = machine.describe_machine()
    print(f"{found['cpu']}, {found['threads']} threads, MXNet {found['mxnet']}")
    print("\n".join(streams.format_table(rows)))
    if args.json:
        write_json(args.json, {"machine": found, "rounds": args.rounds, "count": args.count, "rows": rows})
    return 0
