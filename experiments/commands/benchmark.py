"""Benchmarks: backbones, detectors beside others, reading data sets, the native operators beside MXNet's own, training
steps of several configurations."""
import argparse
import contextlib
import math
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

from ...errors import UsageError
from . import options

EXAMPLES = """
lhrcnn benchmark operators
lhrcnn benchmark operators --ops align pool --threads 1 --json align.json
lhrcnn benchmark backbones --json output/backbones.json --picture output/backbones.png
lhrcnn benchmark backbones --backbones vovnet39 resnet50_v1b --rounds 2 --repeats 1
lhrcnn benchmark detectors --peer-python ~/torch/bin/python --threads 2
lhrcnn benchmark detectors --only s ssd300 matrix --rounds 3
lhrcnn benchmark data --images 20000 --boxes 150000
lhrcnn benchmark streams output/shapes_s models/blood_onnx
lhrcnn benchmark training --cfg bccd_s --cfg bccd_s_symbol --cpu dataset.dataset_path=data/bccd
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs a benchmark, which prints a table and can write its numbers as JSON.

    Args:
        argv: the words of the command line, the benchmark's name first; default: those of this process.

    Returns:
        The exit status.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _make_parser("lhrcnn benchmark", __doc__, "examples:\n" + textwrap.indent(EXAMPLES.strip(), "  "))
    parser.add_argument("benchmark", choices=sorted(BENCHMARKS), help="what to time; each has a --help of its own")
    name = parser.parse_args(argv[:1]).benchmark
    return BENCHMARKS[name](argv[1:])


def benchmark_operators(argv: List[str]) -> int:
    """Times the native operators against MXNet's own operators on the same inputs, and measures their peak memory."""
    parser = _make_parser("lhrcnn benchmark operators", benchmark_operators.__doc__)
    parser.add_argument("--ops", nargs="+", metavar="OP", choices=["align", "pool", "proposal", "nms"],
                        help="of align, pool, proposal and nms (default: all)")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="timings of each side (default: 15)")
    parser.add_argument("--no-memory", action="store_true", help="skip the peak memory, each number of which takes a "
                        "process of its own")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    _add_threads(parser)
    args = parser.parse_args(argv)
    _require("--repeats", args.repeats, 1)
    if _other_threads_wanted(args.threads):
        return _run_with_threads("operators", argv, args.threads)

    from ...engine.files import write_json
    from ..benchmarks import machine, operators
    results = {"machine": machine.describe_machine(), "repeats": args.repeats, "rows": []}
    found = results["machine"]
    print(f"{found['cpu']}, {found['threads']} threads, MXNet {found['mxnet']}")
    print(operators.HEADER)
    for case in operators.all_cases():
        if case.op in (args.ops or operators.OPS):
            results["rows"].append(operators.run_case(case, args.repeats, not args.no_memory))
            print(operators.format_row(results["rows"][-1]), flush=True)
    if args.json:
        write_json(args.json, results)
    return 0


def benchmark_training(argv: List[str]) -> int:
    """Times training steps of several configurations by turns."""
    parser = _make_parser("lhrcnn benchmark training", benchmark_training.__doc__)
    parser.add_argument("--cfg", action="append", metavar="FILE", help="a configuration: a YAML file, or the name of a "
                        "bundled one; give --cfg several times to compare the others with the first")
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cpu", action="store_true", help="run on the CPU")
    devices.add_argument("--gpus", metavar="IDS", help="run on these GPUs, such as 0 or 0,1")
    parser.add_argument("--steps", type=int, default=30, metavar="N", help="timed steps of each configuration "
                        "(default: 30)")
    parser.add_argument("--turn", type=int, default=10, metavar="N", help="steps of one configuration before it is the "
                        "next one's turn (default: 10)")
    parser.add_argument("--warm-up", type=int, default=10, metavar="N", help="steps of each configuration that come "
                        "first and are not counted (default: 10)")
    parser.add_argument("--json", metavar="FILE", default="output/benchmark_training.json",
                        help="write the numbers to this JSON file (default: output/benchmark_training.json)")
    _add_threads(parser)
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    for option, number, least in (("--steps", args.steps, 1), ("--turn", args.turn, 1), ("--warm-up", args.warm_up, 0)):
        _require(option, number, least)
    files = args.cfg or [None]
    cfgs = {Path(path or "").stem: options.load_cfg(path, args.overrides) for path in files}
    if len(cfgs) < len(files):
        raise UsageError(f"two of the configuration files have the same name: {', '.join(files)}")
    if _other_threads_wanted(args.threads):
        return _run_with_threads("training", argv, args.threads)

    from ...engine.files import write_json
    from ...engine.reporting.logger import open_logger
    from ..benchmarks import machine, training
    contexts = options.choose_contexts(args, next(iter(cfgs.values())))
    numbers = {"steps": args.steps, "warm_up": args.warm_up, "turn": args.turn}
    rows = training.time_configurations(cfgs, contexts, open_logger(), **numbers)
    print("\n".join([training.HEADER, *map(training.format_row, rows)]))
    write_json(args.json, dict(numbers, machine=machine.describe_machine(),
                              devices=[str(context) for context in contexts], rows=rows))
    return 0


def benchmark_data(argv: List[str]) -> int:
    """Makes data sets of the size of COCO's training set, reads them, and reads them again from the cache; writes the
    results of a test."""
    parser = _make_parser("lhrcnn benchmark data", benchmark_data.__doc__)
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="of coco (with polygons), coco_boxes (without), "
                        "auto (coco, whose layout is found out), voc and results (default: all)")
    for option, default, what in (("images", 120000, "images of the sets in COCO's layout"),
                                  ("boxes", 900000, "boxes of these"),
                                  ("voc-images", 20000, "images of the set in VOC's layout"),
                                  ("tested-images", 20000, "images whose results are written")):
        parser.add_argument(f"--{option}", type=int, default=default, metavar="N", help=f"{what} (default: {default})")
    parser.add_argument("--folder", metavar="DIR", help="keep the sets, some 2 GB, in this folder, and use those that "
                        "are there (default: a temporary folder)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    args = parser.parse_args(argv)

    from ...engine.files import write_json
    from ..benchmarks import dataset_loading, machine
    unknown = [name for name in args.cases or () if name not in dataset_loading.CASES]
    if unknown:
        raise UsageError(f"--cases: there is no case {unknown[0]!r}; cases: {', '.join(dataset_loading.CASES)}")
    sizes = dataset_loading.Sizes(args.images, args.boxes, args.voc_images, args.tested_images)
    for option, number in zip(sizes._fields, sizes):
        _require("--" + option.replace("_", "-"), number, 1)
    rows = []
    print(dataset_loading.HEADER)
    with contextlib.ExitStack() as stack:
        folder = args.folder or stack.enter_context(tempfile.TemporaryDirectory())
        os.makedirs(folder, exist_ok=True)
        for row in dataset_loading.run_cases(folder, sizes, args.cases):
            rows.append(row)
            print(dataset_loading.format_row(row), flush=True)
    if args.json:
        write_json(args.json, {"machine": machine.describe_machine(), "rows": rows})
    return 0


def benchmark_backbones(argv: List[str]) -> int:
    """Counts and times every backbone, as a classifier and in a detector, and compares them with the authors' claims.

    The weights are random."""
    parser = _make_parser("lhrcnn benchmark backbones", benchmark_backbones.__doc__)
    parser.add_argument("--backbones", nargs="+", metavar="NAME", help="such as vovnet39 and resnet50_v1b (default: "
                        "all)")
    for option, size, what in (("classifier-size", (224, 224), "classifiers"),
                               ("detector-size", (800, 1216), "backbones of detectors")):
        parser.add_argument(f"--{option}", type=int, nargs=2, default=size, metavar=("HEIGHT", "WIDTH"),
                            help=f"of the image of {what} (default: {size[0]} {size[1]})")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often it is each backbone's turn "
                        "(default: 5)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="timed images of a backbone in a round "
                        "(default: 3)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    parser.add_argument("--picture", metavar="FILE", help="write a picture of time against multiply-adds to this file "
                        "(PNG)")
    _add_threads(parser)
    args = parser.parse_args(argv)
    for option, number in (("--rounds", args.rounds), ("--repeats", args.repeats)):
        _require(option, number, 1)
    for option, size in (("--classifier-size", args.classifier_size), ("--detector-size", args.detector_size)):
        _require(option, min(size), 64)
    if _other_threads_wanted(args.threads):
        return _run_with_threads("backbones", argv, args.threads)

    from ...engine.files import write_json
    from ...gluon_models.model_zoo import backbone_names
    from ..benchmarks import backbone_picture, backbones, machine
    unknown = [name for name in args.backbones or () if name not in backbone_names()]
    if unknown:
        raise UsageError(f"--backbones: there is no backbone {unknown[0]!r}; known: {', '.join(backbone_names())}")
    cases = backbones.all_cases(args.backbones or backbone_names(), tuple(args.classifier_size),
                                tuple(args.detector_size))
    found = machine.describe_machine()
    print(f"{found['cpu']}, {found['threads']} threads, MXNet {found['mxnet']}", flush=True)
    rows = backbones.measure(cases, args.rounds, args.repeats, lambda line: print(line, flush=True))
    checks = backbones.check_claims(rows)
    print("\n".join([backbones.HEADER, *map(backbones.format_row, rows), *map(backbones.format_check, checks)]))
    if args.json:
        write_json(args.json, {"machine": found, "rounds": args.rounds, "repeats": args.repeats, "rows": rows,
                               "checks": checks})
    if args.picture:
        backbone_picture.plot_times(rows, args.picture)
    return 0


def benchmark_detectors(argv: List[str]) -> int:
    """Times our detectors beside those of GluonCV and torchvision, from a JPEG file to boxes, by turns.

    The weights are random, and set so that each detector has as many boxes over its score threshold as a trained one.
    Ours run in MXNet, ONNX Runtime and OpenVINO, in float32, bfloat16 and int8. What is not installed is left out, and
    the end of the table says so. It takes some minutes."""
    began = time.monotonic()
    parser = _make_parser("lhrcnn benchmark detectors", benchmark_detectors.__doc__)
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
    _add_threads(parser)
    args = parser.parse_args(argv)
    for option, number in (("--rounds", args.rounds), ("--repeats", args.repeats)):
        _require(option, number, 1)
    if _other_threads_wanted(args.threads):
        return _run_with_threads("detectors", argv, args.threads)

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


def benchmark_streams(argv: List[str]) -> int:
    """Times detectors on JPEG files, one by one and as a stream, by turns; an ONNX export in each engine."""
    parser = _make_parser("lhrcnn benchmark streams", benchmark_streams.__doc__)
    parser.add_argument("detectors", nargs="+", metavar="PATH", help="checkpoints, folders of trainings and exports")
    parser.add_argument("--images", nargs="+", metavar="IMAGE", help="image files and folders (default: noise of the "
                        "size of the detector's input)")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="images in a turn (default: 16)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    _add_threads(parser)
    args = parser.parse_args(argv)
    for option, number in (("--count", args.count), ("--rounds", args.rounds)):
        _require(option, number, 1)
    if _other_threads_wanted(args.threads):
        return _run_with_threads("streams", argv, args.threads)

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


BENCHMARKS: Dict[str, Callable[[List[str]], int]] = {
    "backbones": benchmark_backbones, "data": benchmark_data, "detectors": benchmark_detectors,
    "operators": benchmark_operators, "streams": benchmark_streams, "training": benchmark_training}


def _make_parser(prog: str, description: str, epilog: Optional[str] = None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=prog, description=description, epilog=epilog, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, metavar="N", help="threads of MXNet's CPU operators and of the native "
                        "ones (default: OMP_NUM_THREADS where it is set, otherwise what importing light_head_rcnn "
                        "chooses for this machine)")


def _require(option: str, number: int, least: int) -> None:
    if number < least:
        raise UsageError(f"{option} is {number}; it must be at least {least}")


def _other_threads_wanted(threads: Optional[int]) -> bool:
    """Tells whether this process does not run with the number of threads that was asked for."""
    if threads is None:
        return False
    _require("--threads", threads, 1)
    return os.environ.get("OMP_NUM_THREADS") != str(threads)


def _run_with_threads(name: str, argv: List[str], threads: int) -> int:
    """Runs a benchmark in a new process with OMP_NUM_THREADS set, and returns its exit status.

    This process cannot change its number of threads any more: the OpenMP library, which is loaded together with this
    package, has read it. The new process is not asked for threads, so that it never starts another one.
    """
    words = [word for before, word in zip(["", *argv], argv)
             if "--threads" not in (before, word) and not word.startswith("--threads=")]
    return subprocess.call([sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, name, *words],
                           env=dict(os.environ, OMP_NUM_THREADS=str(threads)))


if __name__ == "__main__":
    sys.exit(main())
