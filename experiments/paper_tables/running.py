"""The small runs of a plan, one process each: what is done stays done, between runs and inside a run."""
import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ...engine.config import checkpoint_prefix, load_config
from ...engine.files import atomic_write
from ...errors import UsageError
from ...progress import ProgressBar
from ..runs.configurations import changed_values, differences
from ..runs.kept_checkpoints import keep_last_checkpoint, last_checkpoint_of_run
from ..runs.processes import CommandRunner
from ..runs.run_commands import testing_command, training_command
from .rows import SMALL
from .scales import Run, plan_runs
from ..runs.state import State
from ..runs.usage import UsageMeter, total_usage

_CONFIGURATION, _LOG, _USAGE = "row.yaml", "log.txt", "usage.json"


def folder_of(root: Path, key: str) -> Path:
    """Returns the folder of the run "row/seed"."""
    row, seed = key.split("/")
    return Path(root) / row / f"seed_{seed}"


def plan_done(state: State, scale_name: str, folder: Path, overrides: Sequence[str] = ()) -> List[Run]:
    """Plans anew those runs of which a state has results; the arguments are those of `scales.plan_runs`."""
    seeds = {row: [int(key[len(row) + 1:]) for key in state.keys() if key.startswith(f"{row}/") and state.get(key)]
             for row in SMALL}
    rows = [row for row in SMALL if seeds[row]]
    if not rows:
        return []
    runs, _ = plan_runs(rows, scale_name, 1 + max(max(seeds[row]) for row in rows), folder, overrides)
    return [run for run in runs if run.seed in seeds[run.row]]


def changes_of_runs(state: State, scale_name: str, folder: Path) -> Dict[str, Dict[str, List[str]]]:
    """Returns what `configurations.changed_values` does of the runs in a state: what overrides have changed, and what
    is not the same in all rows."""
    return changed_values([(run.row, state.get(run.key)["configuration"], run.text, ())
                           for run in plan_done(state, scale_name, folder)], ["dataset.dataset_path"])


def refuse_changed_runs(runs: Sequence[Run], state: State) -> None:
    """Checks that what is done of a plan was done with the same configurations as now.

    Args:
        runs: from `scales.plan_runs`, and from `plan_done`, for all rows are set beside each other.
        state: the results.

    Raises:
        UsageError: a run was done with another one; its results cannot stand beside the others.
    """
    for run in runs:
        done = state.get(run.key)
        changed = differences(done["configuration"], run.text) if done and done["configuration"] else []
        if changed:
            raise UsageError(f"run {run.key} was done with another configuration than now ({'; '.join(changed)}): "
                             f"choose another folder by --work, or delete {state.path} to begin anew")


def run_all(runs: Sequence[Run], root: Path, state: State, device: Sequence[str], runner: CommandRunner,
            jobs: int = 1) -> None:
    """Carries out what of a plan has not been done, trainings before tests, with a progress bar over the runs.

    After a run has failed none of those that wait begins; those that have begun go on to their end, and are kept.

    Args:
        runs: from `scales.plan_runs`.
        root: folder of the runs.
        state: takes {"metrics": COCO's figures, "seconds": by the clock, of all attempts, "configuration": text} by
            run.
        device: words of the commands, such as ["--cpu"].
        runner: runs the commands.
        jobs: how many runs go side by side.

    Raises:
        UsageError: a run failed, or was done with another configuration.
    """
    refuse_changed_runs(runs, state)
    todo = [run for run in runs if state.get(run.key) is None]
    failed = threading.Event()

    def carry_out(run: Run) -> Optional[Tuple[Dict[str, Any], float]]:
        """Returns None where another run has failed."""
        if failed.is_set():
            return None
        try:
            return _carry_out(run, root, device, runner)
        except BaseException:
            failed.set()
            raise

    with ProgressBar(total=len(runs), initial=len(runs) - len(todo), unit="run", disable=None) as bar, \
            ThreadPoolExecutor(jobs) as pool:
        try:
            for trains in (True, False):
                futures = {pool.submit(carry_out, run): run for run in todo if run.trains == trains}
                errors = []
                for future in as_completed(futures):
                    run = futures[future]
                    try:
                        done = future.result()
                    except UsageError as error:
                        errors.append(error)
                        continue
                    if done:
                        metrics, seconds = done
                        state.put(run.key, {"metrics": metrics, "seconds": seconds, "configuration": run.text})
                        bar.set_postfix_str(run.key)
                        bar.update()
                if errors:
                    raise errors[0]
        except KeyboardInterrupt:
            # The terminal has interrupted the commands as well, but a signal to this process alone has not.
            runner.stop()
            raise
        finally:
            failed.set()


def _carry_out(run: Run, root: Path, device: Sequence[str],
               runner: CommandRunner) -> Tuple[Dict[str, Any], float]:
    """Trains and tests, or only tests; returns COCO's figures and the seconds that it took, of all attempts."""
    folder = folder_of(root, run.key)
    cfg_file, metrics = folder / _CONFIGURATION, folder / "test" / "metrics.json"
    with atomic_write(cfg_file) as temporary:
        Path(temporary).write_text(run.text, encoding="utf-8")
    # Figures of an earlier attempt must not be taken for those of this one.
    metrics.unlink(missing_ok=True)
    words = (training_command(cfg_file, device) if run.trains else
             testing_command(cfg_file, device, _tested_checkpoint(run, root), metrics.parent))
    meter = UsageMeter(folder / _USAGE)
    try:
        runner.run(words, folder / _LOG, None, meter.watch)
    finally:
        meter.write()
    if run.trains:
        keep_last_checkpoint(checkpoint_prefix(load_config(cfg_file)))
    return json.loads(metrics.read_text(encoding="utf-8"))["coco"], total_usage(folder / _USAGE)["seconds"]


def _tested_checkpoint(run: Run, root: Path) -> str:
    """Returns the last checkpoint of the run whose weights this one tests."""
    try:
        return last_checkpoint_of_run(folder_of(root, run.weights) / _CONFIGURATION, run.weights,
                                      Path(root) / "state.json")
    except UsageError as error:
        raise UsageError(f"{run.key}: {error}") from None
