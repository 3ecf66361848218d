"""Times the native operators against MXNet's own: prints a table and writes JSON."""
import argparse
import os
import sys
import textwrap

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/benchmark.py operators
python experiments/benchmark.py operators --ops align pool --threads 1 --out align.json
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="examples:\n" + textwrap.indent(EXAMPLE.strip(), "  "))
    parser.add_argument("suite", choices=["operators"], help="what to time")
    parser.add_argument("--ops", nargs="+", metavar="OP", choices=["align", "pool", "proposal", "nms"],
                        help="of align, pool, proposal and nms (default: all)")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="timings of each side (default: 15)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of both sides (default: OMP_NUM_THREADS, "
                        "else one for each processor)")
    parser.add_argument("--no-memory", action="store_true", help="skip the memory, each of whose numbers takes a "
                        "process of its own")
    parser.add_argument("--out", metavar="FILE", help="takes the results as JSON")
    args = parser.parse_args(argv)
    if args.repeats < 1 or (args.threads or 1) < 1:
        raise cli.UsageError("--repeats and --threads take numbers from 1")
    threads = args.threads or int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
    if "mxnet" in sys.modules and os.environ.get("OMP_NUM_THREADS") != str(threads):
        raise cli.UsageError("threads are set before MXNet is loaded: set OMP_NUM_THREADS={}".format(threads))
    os.environ["OMP_NUM_THREADS"] = str(threads)

    from light_head_rcnn.engine import files
    from light_head_rcnn.experiments.benchmarks import operators, report
    results = {"machine": report.machine(threads), "repeats": args.repeats, "rows": []}
    print("{cpu}, {threads} threads, MXNet {mxnet}".format(**results["machine"]))
    print(operators.HEADER)
    for case in operators.all_cases():
        if case.op in (args.ops or operators.OPS):
            results["rows"].append(operators.run_case(case, args.repeats, not args.no_memory))
            print(operators.line(results["rows"][-1]), flush=True)
    if args.out:
        files.write_json(args.out, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
