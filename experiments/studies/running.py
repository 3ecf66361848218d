"""Carries out the runs of a study one after the other, each in its own process and from its last checkpoint on."""
import time
from typing import Callable, List, NamedTuple, Optional, Sequence

from ...engine.checkpoints.choosing import best_checkpoint, latest_checkpoint
from ...engine.config import checkpoint_prefix, load_config
from ...errors import LightHeadError
from ..runs.kept_checkpoints import keep_last_checkpoint
from ..runs.processes import CommandRunner
from ..runs.run_commands import svm_command, testing_command, training_command
from ..runs.state import State
from ..runs.usage import UsageMeter
from .planning import Run, write_configuration
from .results import BEST_TEST, LAST_TEST, TEST_FOLDER, USAGE, collect_result, last_of_source
from .study import SVMS, TEST, TRAIN

LOG = "log.txt"
# A checkpoint with support vector machines has this value, and the configuration that they are trained by does not.
_SCORES_OF_MACHINES = "network.CLASS_SCORES=one_vs_rest"


class Outcome(NamedTuple):
    """What came of a call.

    Attributes:
        failed: "run: reason" of each run that failed.
        out_of_time: whether the time was over before all runs were done.
    """

    failed: List[str]
    out_of_time: bool


def run_study(runs: Sequence[Run], state: State, device: Sequence[str], runner: CommandRunner,
              report: Callable[[str], None], until: Optional[float] = None,
              after_run: Callable[[], None] = lambda: None) -> Outcome:
    """Carries out what of a plan has not been done. A run that fails does not end the others.

    Args:
        runs: from `planning.plan_runs`, in the order to run them.
        state: takes what `results.collect_result` returns, by run; and under "failed/RUN" why a run failed.
        device: words of the commands, such as ["--cpu"].
        runner: runs the commands.
        report: takes lines of text.
        until: time of `time.monotonic()` after which no run begins or goes on; one that runs then is ended, and loses
            what it has done since its last checkpoint.
        after_run: is called after each run, to write the page.
    """
    failed: List[str] = []
    try:
        for number, run in enumerate(runs, 1):
            if state.get(run.key):
                continue
            if run.source is not None and not state.get(run.source):
                failed.append(f"{run.key}: it begins with the checkpoint of {run.source}, which has not been done")
                continue
            if until is not None and time.monotonic() >= until:
                return Outcome(failed, True)
            report(f"{time.strftime('%H:%M')} run {number} of {len(runs)}: {run.key}")
            try:
                if not _carry_out(run, device, runner, until):
                    return Outcome(failed, True)
                state.put(run.key, collect_result(run))
            except (LightHeadError, OSError) as error:
                failed.append(f"{run.key}: {error}")
                state.put(f"failed/{run.key}", str(error))
                report(f"{run.key} failed: {error}")
            else:
                state.put(f"failed/{run.key}", None)
                keep_last_checkpoint(checkpoint_prefix(load_config(run.file)))
                figures = state.get(run.key)["last"]
                report(f"{run.key}: AP {_shown(figures['AP'])}, AP50 {_shown(figures['AP50'])}, "
                       f"{state.get(run.key)['seconds'] / 60:.1f} min")
            after_run()
    except KeyboardInterrupt:
        # A signal to this process alone has not reached the command.
        runner.stop()
        raise
    return Outcome(failed, False)


def _carry_out(run: Run, device: Sequence[str], runner: CommandRunner, until: Optional[float]) -> bool:
    """Trains and tests; returns False where the time was over before the end."""
    write_configuration(run)
    meter, log = UsageMeter(run.folder / USAGE), run.folder / LOG
    prefix = checkpoint_prefix(load_config(run.file))
    # The tests between epochs choose the best checkpoint on a set of their own.
    overrides = [f"dataset.test_image_set={run.test_on}"] if run.test_on else []
    if run.kind == TEST:
        commands = [lambda: testing_command(run.file, device, last_of_source(run), run.folder / TEST_FOLDER,
                                            overrides)]
    elif run.kind == SVMS:
        commands = [lambda: svm_command(run.file, device, last_of_source(run)),
                    lambda: testing_command(run.file, device, latest_checkpoint(prefix), run.folder / TEST_FOLDER,
                                            [_SCORES_OF_MACHINES, *overrides])]
    else:
        commands = [lambda: training_command(run.file, device)]
    if run.test_on and run.kind == TRAIN:
        commands += [
            lambda: testing_command(run.file, device, latest_checkpoint(prefix), run.folder / LAST_TEST, overrides),
            lambda: testing_command(run.file, device, best_checkpoint(prefix) or latest_checkpoint(prefix),
                                    run.folder / BEST_TEST, overrides)]
    try:
        return all(runner.run(command(), log, until, meter.watch) for command in commands)
    finally:
        meter.write()


def _shown(percent: Optional[float]) -> str:
    """Returns a figure in words; images without objects have none."""
    return "-" if percent is None else f"{percent:.1f}"
