"""Works out what several machines make of a training step, and measures it with one and two processes here."""
from typing import List

from ...errors import UsageError
from . import options
from .benchmark_options import make_parser

EXAMPLES = """
lhrcnn benchmark scaling --step coco_xception_s=0.1 --step coco_resnet101_l=0.3
lhrcnn benchmark scaling --measure shapes_s TRAIN.end_epoch=1
"""


def main(argv: List[str]) -> int:
    """Works out what several machines make of a training step, and measures it with one and two processes here."""
    parser = make_parser("lhrcnn benchmark scaling", main.__doc__, EXAMPLES)
    parser.add_argument("--step", action="append", default=[], metavar="CFG=SECONDS", help="a bundled configuration of "
                        "a Gluon model, whose gradients are sent, and the seconds of its step on one machine; several "
                        "times for several")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8, 64], metavar="N", help="numbers of machines "
                        "(default: 2 8 64)")
    parser.add_argument("--gigabits", type=float, nargs="+", default=[1, 10, 25, 100], metavar="G", help="a second, of "
                        "each machine's line (default: 1 10 25 100)")
    parser.add_argument("--measure", metavar="CFG", help="train this configuration here, one thread a process, alone "
                        "and by one and two workers, and print the images a second")
    parser.add_argument("--json", metavar="FILE", default="output/benchmark_scaling.json",
                        help="write the numbers to this JSON file (default: %(default)s)")
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    from ...engine.files import write_json
    from ..benchmarks import machine, scaling
    jobs = {}
    for text in args.step:
        name, _, seconds = text.partition("=")
        try:
            jobs[text] = scaling.Job(float(seconds), scaling.gradient_arrays(name))
        except ValueError:
            raise UsageError(f"--step is {text!r}; it must be CFG=SECONDS") from None
        if jobs[text].seconds <= 0:
            raise UsageError(f"--step is {text!r}; a step takes more than 0 seconds")
    if not jobs and not args.measure:
        raise UsageError("name a step to work with, --step CFG=SECONDS, or --measure CFG")
    if min(args.workers) < 1 or min(args.gigabits) <= 0:
        raise UsageError("--workers are numbers from 1 on, and --gigabits are above 0")
    for text, job in jobs.items():
        print(f"{text}: {len(job.arrays)} gradients, {sum(job.arrays) / 1e6:.1f} MB")
    rows = scaling.table(jobs, args.workers, args.gigabits)
    for overlap in (True, False) if rows else ():
        print(f"\n{'Sent during' if overlap else 'Sent after'} the backward pass:\n\n"
              + scaling.format_table(rows, args.gigabits, overlap))
    measured = scaling.measure(args.measure, args.overrides, skip=10) if args.measure else []
    for row in measured:
        print(f"{row['processes']:10} {row['images_per_second']:8.2f} images/s (median of {row['steps']} steps)")
    write_json(args.json, {"machine": machine.describe_machine(), "rows": rows, "measured": measured,
                           "gradients": {text: {"arrays": len(job.arrays), "bytes": sum(job.arrays)}
                                         for text, job in jobs.items()}})
    return 0
