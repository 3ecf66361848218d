"""Times the reading of large data sets."""
from typing import List

from ...errors import UsageError
from .benchmark_options import folder_of_sets, make_parser, require

EXAMPLES = """
lhrcnn benchmark data --images 20000 --boxes 150000
"""


def main(argv: List[str]) -> int:
    """Makes data sets of the size of COCO's training set, reads them, and reads them again from the cache; writes the
    results of a test."""
    parser = make_parser("lhrcnn benchmark data", main.__doc__, EXAMPLES)
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
        require("--" + option.replace("_", "-"), number, 1)
    rows = []
    asked = {name.replace("_", "-"): number for name, number in sizes._asdict().items()}
    with folder_of_sets(args.folder, asked) as folder:
        print(dataset_loading.HEADER)
        for row in dataset_loading.run_cases(folder, sizes, args.cases):
            rows.append(row)
            print(dataset_loading.format_row(row), flush=True)
    if args.json:
        write_json(args.json, {"machine": machine.describe_machine(), "rows": rows})
    return 0
