"""Times servers of detectors beside the detectors themselves."""
import tempfile
from pathlib import Path
from typing import List

from .benchmark_options import make_parser, require

EXAMPLES = """
lhrcnn benchmark serving models/shapes_onnx
lhrcnn benchmark serving models/blood_onnx --engine onnxruntime --images blood/ --rounds 5 --json serving.json
"""


def main(argv: List[str]) -> int:
    """Times a detector, and a server of it at 1 to 16 clients with batches and without, by turns; an ONNX export in
    each engine."""
    parser = make_parser("lhrcnn benchmark serving", main.__doc__, EXAMPLES)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="exports, checkpoints and folders of trainings")
    parser.add_argument("--engine", metavar="NAME", help="of an ONNX export (default: each that is installed)")
    parser.add_argument("--images", nargs="+", metavar="IMAGE", help="image files and folders (default: noise of the "
                        "size of the detector's input)")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="images, which are sent again and again "
                        "(default: 16)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8], metavar="N", help="images that servers may "
                        "put together, one server each (default: 1 8)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="turns (default: 3)")
    parser.add_argument("--seconds", type=float, default=3, metavar="N", help="of each measurement (default: 3)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    args = parser.parse_args(argv)
    for option, number in (("--count", args.count), ("--rounds", args.rounds), ("--batches", min(args.batches))):
        require(option, number, 1)

    from ...engine.deploy.detectors import load_detector
    from ...engine.deploy.engines.choice import MXNET
    from ...engine.files import write_json
    from ...engine.inference.image_files import find_images
    from ..benchmarks import machine, serving, streams
    tables = []
    found = machine.describe_machine()
    print(f"{found['cpu']}, {found['threads']} threads, {found['date']}")
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            for engine in [args.engine] if args.engine else streams.engines_of(model):
                engine = None if engine == MXNET else engine
                detector = load_detector(model, engine=engine)
                files = [file for file, _ in find_images(args.images)] if args.images else (
                    streams.write_images(Path(folder), detector, args.count))
                rows = serving.measure(detector, model, engine, files[:args.count], args.batches, args.rounds,
                                       args.seconds)
                tables.append({"model": model, "engine": engine or MXNET, "rows": rows})
                print(f"\n{model}, {engine or MXNET}\n\n" + "\n".join(serving.format_table(rows)))
    if args.json:
        write_json(args.json, {"machine": found, "rounds": args.rounds, "seconds": args.seconds, "tables": tables})
    return 0
