"""Trainings and tests of rows, one process each, resumable run by run and inside a run."""
import json
import subprocess
import sys
import time
from pathlib import Path

from tqdm import tqdm

from ..checkpoint import latest_checkpoint
from ..cli import CommandError
from ..config import checkpoint_prefix, load_config
from ..files import atomic_write

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


def run_all(runs, root, state, device, execute=None):
    """Carries out what of a plan has not been done, with a progress bar over runs.

    Args:
        runs: from `scales.plan`.
        root: folder of the runs.
        state: State; takes {"metrics": COCO's figures, "seconds": wall clock, "configuration": text} by run.
        device: words, such as ["--cpu"].
        execute: carries out a command, its words and the file for its output; default: in a process.

    Raises CommandError for a run that fails, or was done with another configuration.
    """
    execute = execute or run_command
    todo = []
    for run in runs:
        done = state.get(run.key)
        if done is None:
            todo.append(run)
        elif done["configuration"] != run.text:
            raise CommandError("run %s was done with another configuration than now: choose another folder by --work, "
                               "or delete %s to begin anew" % (run.key, state.path))
    with tqdm(total=len(runs), initial=len(runs) - len(todo), unit="run", disable=None) as bar:
        for run in todo:
            bar.set_postfix_str(run.key)
            began = time.time()
            metrics = _carry_out(run, root, device, execute)
            state.put(run.key, {"metrics": metrics, "seconds": time.time() - began, "configuration": run.text})
            bar.update()


def _carry_out(run, root, device, execute):
    folder = folder_of(root, run.key)
    cfg_file = folder / _CONFIGURATION
    with atomic_write(cfg_file) as temporary:
        Path(temporary).write_text(run.text, encoding="utf-8")
    if run.weights == run.key:
        execute(train_command(cfg_file, device), folder / _LOG)
        keep_latest(checkpoint_prefix(load_config(cfg_file)))
    else:
        prefix = checkpoint_prefix(load_config(folder_of(root, run.weights) / _CONFIGURATION))
        execute(test_command(cfg_file, device, latest_checkpoint(prefix)), folder / _LOG)
    return json.loads((folder / _METRICS).read_text(encoding="utf-8"))["coco"]


def keep_latest(prefix):
    """Removes all checkpoints of a run but the last one: dozens of runs would fill a disk."""
    kept = Path(latest_checkpoint(prefix)).name
    for path in Path(prefix).parent.glob(Path(prefix).name + "-*"):
        if path.stem != kept and path.suffix in (".params", ".states", ".json"):
            path.unlink()


def run_command(words, log):
    """Runs a command; its output is added to the file `log`.

    Raises CommandError with the last lines where it fails.
    """
    with open(log, "a", encoding="utf-8") as file:
        code = subprocess.call(words, stdout=file, stderr=subprocess.STDOUT)
    if code == 130 or code < 0:
        raise KeyboardInterrupt
    if code:
        tail = "".join(Path(log).read_text(encoding="utf-8").splitlines(True)[-6:])
        raise CommandError("%s failed; the end of %s:\n%s" % (" ".join(words), log, tail))
