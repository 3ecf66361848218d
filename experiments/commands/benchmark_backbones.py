"""Times backbones as classifiers and in detectors."""
from typing import List

from ...errors import UsageError
from .benchmark_options import add_threads, make_parser, other_threads_wanted, require, run_with_threads

EXAMPLES = """
lhrcnn benchmark backbones --json output/backbones.json --picture output/backbones.png
lhrcnn benchmark backbones --backbones vovnet39 resnet50_v1b --rounds 2 --repeats 1
"""


def main(argv: List[str]) -> int:
    """Counts and times every backbone, as a classifier and in a detector, and compares them with the authors' claims.

    The weights are random."""
    parser = make_parser("lhrcnn benchmark backbones", main.__doc__, EXAMPLES)
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
    add_threads(parser)
    args = parser.parse_args(argv)
    for option, number in (("--rounds", args.rounds), ("--repeats", args.repeats)):
        require(option, number, 1)
    for option, size in (("--classifier-size", args.classifier_size), ("--detector-size", args.detector_size)):
        require(option, min(size), 64)
    if other_threads_wanted(args.threads):
        return run_with_threads("backbones", argv, args.threads)

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
