"""Runs a study and writes its page: variants of a configuration, the rows of a table, that differ in one thing each, on
several data sets and from several seeds."""
import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence

from ...errors import UsageError
from . import options

if TYPE_CHECKING:
    from ..runs.processes import CommandRunner
    from ..studies.planning import Run

EXAMPLES = """
lhrcnn study --list
lhrcnn study photographs --data DATA --budget                  # only tells how long it will take
lhrcnn study photographs --data DATA                           # goes on where it was stopped
lhrcnn study photographs --data DATA --datasets bccd --seeds 1 --minutes 50
lhrcnn study photographs --page                                # writes the page from what is done
lhrcnn study photographs --data DATA --out output/short TRAIN.end_epoch=4
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where a run failed."""
    args = _make_parser().parse_intermixed_args(argv)
    # The words behind --datasets and --rows may go over into overrides.
    for option in ("datasets", "rows"):
        found, names = options.split_overrides(getattr(args, option) or [])
        args.overrides += found
        setattr(args, option, names or None)
    from ..studies.study import read_study, study_names
    if args.list:
        for name in study_names():
            print(f"{name:24}{read_study(name).title}")
        return 0
    if args.name is None:
        raise UsageError(f"name a study; known: {', '.join(study_names())}")
    if args.minutes is not None and args.minutes < 0:
        raise UsageError(f"--minutes is {args.minutes:g}; it must be at least 0")
    if args.gpus is not None:
        options.parse_gpus(args.gpus)
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    from ...engine.folder_lock import lock_folder
    from ..runs.processes import CommandRunner
    from ..runs.state import State
    from ..studies import estimates, page, planning, running, study
    began, chosen = time.monotonic(), study.read_study(args.name)
    folder, pages = Path(args.out or f"output/studies/{chosen.folder}"), Path(args.pages or args.out or chosen.pages)
    if study.hides_bundled(chosen) and args.out is None:
        raise UsageError(f"{chosen.word} is called like the study {chosen.name} of the package, with which it would "
                         "share its runs and its page: rename the file, or name another folder by --out")
    options.check_output_folder(folder, "choose another by --out")
    options.check_output_folder(pages, "choose another by --pages")
    if args.data is None and not args.page:
        raise UsageError("name the folder that holds the data sets by --data")
    names = study.choose("--datasets", chosen.data_sets, args.datasets)
    rows = study.with_sources(chosen.rows, study.choose("--rows", chosen.rows, args.rows))
    seeds = chosen.seeds if args.seeds is None else args.seeds
    runs = planning.plan_runs(chosen, names, rows, seeds, Path(args.data or "DATA"), folder, args.overrides)
    if args.page:
        state = State(folder / "state.json")
        print(f"wrote {page.write_page(chosen, state, pages)}")
        return 0
    planning.check_data([chosen.data_sets[name] for name in names], Path(args.data))
    with lock_folder(folder):
        state = State(folder / "state.json")
        planning.refuse_changed_runs(runs, state, planning.plan_done(chosen, state, Path(args.data), folder,
                                                                     args.overrides))
        device = ["--gpus", args.gpus] if args.gpus else ["--cpu"]
        until = None if args.minutes is None else began + 60 * args.minutes
        runner = CommandRunner()
        # They are found before steps are timed, which need them.
        if chosen.proposals is not None and not args.budget and not _find_proposals(chosen.proposals, runs, folder,
                                                                                    runner, until):
            print(f"{args.minutes:g} minutes are over: the same command goes on where this one stopped")
            return 0
        print("\n".join(estimates.budget_lines(estimates.estimate_runs(runs, state, folder, device, _say))), flush=True)
        if args.budget:
            return 0
        outcome = running.run_study(runs, state, device, runner, _say, until, lambda: page.write_page(
            chosen, state, pages))
        if outcome.out_of_time:
            print(f"{args.minutes:g} minutes are over: the same command goes on where this one stopped")
        for reason in outcome.failed:
            print(f"failed: {reason}", file=sys.stderr)
        print(f"wrote {page.write_page(chosen, state, pages)}")
    return 1 if outcome.failed else 0


def _find_proposals(method: str, runs: Sequence["Run"], folder: Path, runner: "CommandRunner",
                    until: Optional[float]) -> bool:
    """Finds the proposals of the data sets; False where the time was over before."""
    from ..studies import planning, proposals
    first = {run.data_set: run for run in reversed(runs) if proposals.lacks_proposals(run.text)}
    if first:
        _say(f"finding the proposals of {', '.join(first)}, once for all rows; "
             f"{proposals.log_of(folder)} tells how far it is")
    for run in first.values():
        planning.write_configuration(run)
    return proposals.find_proposals(method, [run.file for run in first.values()], folder, runner, until)


def _say(text: str) -> None:
    print(text, flush=True)


def _make_parser() -> argparse.ArgumentParser:
    parser = options.make_plain_parser("lhrcnn study", __doc__, EXAMPLES)
    parser.add_argument("name", nargs="?", help="name of a study, or the path of a YAML file of the same form")
    parser.add_argument("--list", action="store_true", help="list the studies that come with the package")
    parser.add_argument("--data", metavar="DIR", help="folder that holds a folder of each data set, such as DIR/bccd; "
                        "left out with --list and --page")
    parser.add_argument("--datasets", nargs="+", metavar="NAME", help="only these data sets of the study")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="only these rows of the study")
    parser.add_argument("--seeds", type=int, metavar="N", help="runs of each row on each data set (default: as the "
                        "study says)")
    parser.add_argument("--budget", action="store_true", help="print what is done, what is left and how long that will "
                        "take, and end")
    parser.add_argument("--minutes", type=float, metavar="M", help="begin nothing and go on with nothing after so many "
                        "minutes; a training that runs then is ended, and goes on from its last checkpoint the next "
                        "time")
    parser.add_argument("--page", action="store_true", help="write the page from what is done, and end")
    parser.add_argument("--out", metavar="DIR", help="folder for the runs and the state of the work (default: "
                        "output/studies/NAME, or the folder that several studies share)")
    parser.add_argument("--pages", metavar="DIR", help="folder for NAME.md and NAME.json (default: the folder of "
                        "--out, and docs/studies or docs/fast-rcnn without it, over the page that is there)")
    parser.add_argument("--gpus", metavar="IDS", help="train on these GPUs, such as 0 or 0,1 (default: the CPU)")
    options.add_overrides(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
