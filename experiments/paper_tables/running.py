"""Trainings and tests of rows, one process each, resumable run by run and inside a run."""
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from tqdm import tqdm

from ...errors import UsageError
from ...engine.checkpoints.checkpoint import latest_checkpoint
from ...engine.config import checkpoint_prefix, load_config
from ...engine.files import atomic_write

_SCRIPTS = __name__.rsplit(".", 3)[0]
_CONFIGURATION, _LOG, _METRICS = "row.yaml", "log.txt", Path("test") / "metrics.json"


def train_command(cfg_file, device, overrides=()):
    """Words of the command that trains a configuration, or goes on, and tests it."""
    return _command("train_end2end", cfg_file, device) + ["--resume", *overrides]


def test_command(cfg_file, device, checkpoint, overrides=()):
    """Words of the command that tests a checkpoint as a configuration says."""
    return _command("test", cfg_file, device) + ["--checkpoint", str(checkpoint), *overrides]


# pytest must not take the function for a test where it is imported.
test_command.__test__ = False


def _command(script, cfg_file, device):
    return [sys.executable, "-m", "%s.%s" % (_SCRIPTS, script), "--cfg", str(cfg_file), *device]


def folder_of(root, key):
    """Folder of the run "row/seed"."""
    row, seed = key.split("/")
    return Path(root) / row / ("seed_" + seed)


def run_all(runs, root, state, device, execute=None, jobs=1):
    """Carries out what of a plan has not been done, trainings before tests, with a progress bar over runs.

    Args:
        runs: from `scales.plan`.
        root: folder of the runs.
        state: State; takes {"metrics": COCO's figures, "seconds": wall clock, "configuration": text} by run.
        device: words, such as ["--cpu"].
        execute: carries out a command, its words and the file for its output; default: in a process.
        jobs: runs side by side, which share the processors: small networks leave most of several to wait.

    Raises UsageError for a run that fails, or was done with another configuration.
    """
    execute = execute or partial(run_command, threads=max(1, len(os.sched_getaffinity(0)) // jobs))
    todo = []
    for run in runs:
        done = state.get(run.key)
        if done is None:
            todo.append(run)
        elif done["configuration"] != run.text:
            raise UsageError("run %s was done with another configuration than now: choose another folder by --work, "
                               "or delete %s to begin anew" % (run.key, state.path))
    failed = threading.Event()

    def carry_out(run):
        """None where another run has failed: what waits must not begin."""
        if failed.is_set():
            return None
        try:
            return _carry_out(run, root, device, execute)
        except BaseException:
            failed.set()
            raise

    with tqdm(total=len(runs), initial=len(runs) - len(todo), unit="run", disable=None) as bar, \
            ThreadPoolExecutor(jobs) as pool:
        for trains in (True, False):
            futures = {pool.submit(carry_out, run): run for run in todo if (run.weights == run.key) == trains}
            try:
                for future in as_completed(futures):
                    run, done = futures[future], future.result()
                    if done:
                        metrics, seconds = done
                        state.put(run.key, {"metrics": metrics, "seconds": seconds, "configuration": run.text})
                        bar.set_postfix_str(run.key)
                        bar.update()
            except BaseException:
                failed.set()
                raise


def _carry_out(run, root, device, execute):
    """Trains and tests, or only tests; returns COCO's figures and the seconds that it took."""
    folder, began = folder_of(root, run.key), time.time()
    cfg_file = folder / _CONFIGURATION
    with atomic_write(cfg_file) as temporary:
        Path(temporary).write_text(run.text, encoding="utf-8")
    if run.weights == run.key:
        execute(train_command(cfg_file, device), folder / _LOG)
        keep_latest(checkpoint_prefix(load_config(cfg_file)))
    else:
        prefix = checkpoint_prefix(load_config(folder_of(root, run.weights) / _CONFIGURATION))
        execute(test_command(cfg_file, device, latest_checkpoint(prefix)), folder / _LOG)
    return json.loads((folder / _METRICS).read_text(encoding="utf-8"))["coco"], time.time() - began


def keep_latest(prefix):
    """Removes all checkpoints of a run but the last one: dozens of runs would fill a disk."""
    kept = Path(latest_checkpoint(prefix)).name
    for path in Path(prefix).parent.glob(Path(prefix).name + "-*"):
        if path.stem != kept and path.suffix in (".params", ".states", ".json"):
            path.unlink()


def run_command(words, log, threads=None):
    """Runs a command, on so many threads if that is given; its output is added to the file `log`.

    Raises UsageError with the last lines where it fails.
    """
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads)) if threads else None
    with open(log, "a", encoding="utf-8") as file:
        code = subprocess.call(words, stdout=file, stderr=subprocess.STDOUT, env=environment)
    if code == 130 or code < 0:
        raise KeyboardInterrupt
    if code:
        tail = "".join(Path(log).read_text(encoding="utf-8").splitlines(True)[-6:])
        raise UsageError("%s failed; the end of %s:\n%s" % (" ".join(words), log, tail))
