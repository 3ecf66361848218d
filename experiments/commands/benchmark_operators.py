"""Times the native operators beside MXNet's own."""
from typing import List

from .benchmark_options import add_threads, make_parser, other_threads_wanted, require, run_with_threads

EXAMPLES = """
lhrcnn benchmark operators
lhrcnn benchmark operators --ops align pool --threads 1 --json align.json
"""


def main(argv: List[str]) -> int:
    """Times the native operators against MXNet's own operators on the same inputs, and measures their peak memory."""
    parser = make_parser("lhrcnn benchmark operators", main.__doc__, EXAMPLES)
    parser.add_argument("--ops", nargs="+", metavar="OP", choices=["align", "pool", "max_pool", "proposal", "nms"],
                        help="of align, pool, max_pool, proposal and nms (default: all)")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="timings of each side (default: 15)")
    parser.add_argument("--no-memory", action="store_true", help="skip the peak memory, each number of which takes a "
                        "process of its own")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    add_threads(parser)
    args = parser.parse_args(argv)
    require("--repeats", args.repeats, 1)
    if other_threads_wanted(args.threads):
        return run_with_threads("operators", argv, args.threads)

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
