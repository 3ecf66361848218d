"""Times a million images, as files and packed."""
from typing import List

from ...errors import UsageError
from .benchmark_options import folder_of_sets, make_parser, require

EXAMPLES = """
lhrcnn benchmark packed --images 100000 --boxes 300000
"""


def main(argv: List[str]) -> int:
    """Makes a data set of many small images, packs it, and measures time and memory of reading it in both forms."""
    from ..benchmarks import machine, packed_sets
    parser = make_parser("lhrcnn benchmark packed", main.__doc__, EXAMPLES)
    parser.add_argument("--cases", nargs="+", metavar="CASE", help=f"of {', '.join(packed_sets.CASES)} (default: all)")
    for option, default, what in (("images", 1_000_000, "images of the set"), ("boxes", 3_000_000, "boxes of it"),
                                  ("read", 100_000, "images that are read in each way"),
                                  ("loaded", 20_000, "images of which training batches are made")):
        parser.add_argument(f"--{option}", type=int, default=default, metavar="N", help=f"{what} (default: {default})")
    parser.add_argument("--folder", metavar="DIR", help="keep the sets, some 3 GB, in this folder, and use those that "
                        "are there (default: a temporary folder)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    args = parser.parse_args(argv)

    from ...engine.files import write_json
    unknown = [name for name in args.cases or () if name not in packed_sets.CASES]
    if unknown:
        raise UsageError(f"--cases: there is no case {unknown[0]!r}; cases: {', '.join(packed_sets.CASES)}")
    sizes = packed_sets.Sizes(args.images, args.boxes, args.read, args.loaded)
    for option, number in zip(sizes._fields, sizes):
        require(f"--{option}", number, 10)
    rows = []
    with folder_of_sets(args.folder, sizes._asdict()) as folder:
        print(packed_sets.HEADER)
        for row in packed_sets.run_cases(folder, sizes, args.cases):
            rows.append(row)
            print(packed_sets.format_row(row), flush=True)
    if args.json:
        write_json(args.json, {"machine": machine.describe_machine(), "sizes": sizes._asdict(), "rows": rows})
    return 0
