"""Times training steps of several configurations."""
from pathlib import Path
from typing import List

from ...errors import UsageError
from . import options
from .benchmark_options import add_threads, make_parser, other_threads_wanted, require, run_with_threads

EXAMPLES = """
lhrcnn benchmark training --cfg bccd_s --cfg bccd_s_symbol --cpu dataset.dataset_path=data/bccd
"""


def main(argv: List[str]) -> int:
    """Times training steps of several configurations by turns."""
    parser = make_parser("lhrcnn benchmark training", main.__doc__, EXAMPLES)
    parser.add_argument("--cfg", action="append", metavar="FILE", help="a configuration: a YAML file, or the name of a "
                        "bundled one; give --cfg several times to compare the others with the first")
    options.add_devices(parser, "the first configuration's gpus where MXNet sees a GPU, otherwise the CPU")
    parser.add_argument("--steps", type=int, default=30, metavar="N", help="timed steps of each configuration "
                        "(default: 30)")
    parser.add_argument("--turn", type=int, default=10, metavar="N", help="steps of one configuration before it is the "
                        "next one's turn (default: 10)")
    parser.add_argument("--warm-up", type=int, default=10, metavar="N", help="steps of each configuration that come "
                        "first and are not counted (default: 10)")
    parser.add_argument("--json", metavar="FILE", default="output/benchmark_training.json",
                        help="write the numbers to this JSON file (default: output/benchmark_training.json)")
    add_threads(parser)
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    for option, number, least in (("--steps", args.steps, 1), ("--turn", args.turn, 1), ("--warm-up", args.warm_up, 0)):
        require(option, number, least)
    files = args.cfg or [None]
    cfgs = {Path(path or "").stem: options.load_cfg(path, args.overrides) for path in files}
    if len(cfgs) < len(files):
        raise UsageError(f"two of the configuration files have the same name: {', '.join(files)}")
    if other_threads_wanted(args.threads):
        return run_with_threads("training", argv, args.threads)

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
