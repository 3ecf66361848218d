"""Cuts every labelled object out of a data set: images by class, SET/CLASS/IMAGE.jpg, in a new folder.

`lhrcnn pretrain` trains a backbone on such a folder. Crowds, difficult objects and ignored ones are left out.
"""
from ...data.writers import check_new_folder
from ...data.writers.crops import write_crops
from ...errors import UsageError
from . import options
from .data_sets import check_outside, make_parser, read_sets

EXAMPLES = """
lhrcnn data crops photos/ crops/
lhrcnn data crops photos/ crops/ --margin 0.1 --least-side 16
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where something was left out because of a fault."""
    parser = make_parser("crops", __doc__, EXAMPLES)
    parser.add_argument("out", metavar="NEW", help="new folder")
    parser.add_argument("--margin", type=float, default=0.0, metavar="SHARE", help="share of a box's sides that is "
                        "added on each side (default: 0)")
    parser.add_argument("--least-side", type=int, default=8, metavar="N", help="leave out objects with a side shorter "
                        "than N pixels (default: 8)")
    args = parser.parse_args(argv)
    if not 0 <= args.margin < 10:
        raise UsageError(f"--margin is {args.margin}; it must be at least 0 and below 10")
    check_new_folder(args.out)
    options.check_output_folder(args.out, "name another folder")
    check_outside(args.path, args.out)
    sets = read_sets(args)
    if sets.errors:
        raise next(iter(sets.errors.values()))
    counts = write_crops(args.out, {name: dataset.records for name, dataset in sets.datasets.items()}, sets.classes,
                         args.margin, args.least_side)
    lines = [f"wrote {args.out}:"]
    for name in sets.datasets:
        of_set = [(of_class, number) for one, of_class, number in counts.written if one == name]
        lines.append(f"  {name}: " + ", ".join(f"{of_class} {number}" for of_class, number in of_set))
    if counts.small:
        lines.append(f"left out: {counts.small} objects with a side shorter than {args.least_side} pixels")
    print("\n".join([*lines, *(f"left out: {message}" for message in counts.unread)]))
    return int(bool(counts.unread) or any(dataset.log.left_out for dataset in sets.datasets.values()))
