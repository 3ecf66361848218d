"""The rows at the paper's scale: their commands, and running those that lack nothing."""
import json
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from yacs.config import CfgNode

from ...engine.checkpoints.choosing import latest_checkpoint
from ...engine.config import checkpoint_prefix, override_values, training_keys, with_values
from ...errors import UsageError
from . import needs
from .needs import Missing
from .paper_results import find_result, folder_for_training, keep_result
from ..runs.processes import CommandRunner
from ..runs.run_commands import testing_command, training_command
from .rows import row_config, row_file
from ..runs.state import State
from ..runs.statistics import FIGURES


class Job(NamedTuple):
    """A row at the paper's scale.

    Attributes:
        row: its name.
        cfg: its configuration.
        command: the words of its command. Where it tests what another row trains, it names the checkpoint of the last
            epoch.
        missing: what is not there; empty where it can run.
        tested_prefix: prefix of the checkpoints that another row trains and this row tests; None where it trains.
    """

    row: str
    cfg: CfgNode
    command: List[str]
    missing: List[Missing]
    tested_prefix: Optional[str]


def plan_jobs(rows: Sequence[str], overrides: Sequence[str] = (), device: Sequence[str] = (),
              gpus: Optional[int] = None) -> List[Job]:
    """Plans the jobs of some rows; rows whose trainings are the same are trained once.

    Args:
        rows: names.
        overrides: words KEY VALUE or KEY=VALUE for all of them. An `output_path` among them is the folder that takes
            one folder a row.
        device: words for all commands: [], ["--cpu"] or ["--gpus", "0,1"].
        gpus: how many GPUs MXNet sees; default: asked of MXNet.
    """
    gpus = needs.gpus_seen() if gpus is None else gpus
    known_needs, sizes = needs.read_needs(), {}
    trained: Dict[str, Job] = {}
    jobs = []
    for row in rows:
        cfg = _configure(row, overrides)
        missing = (needs.missing_data(cfg, known_needs) + needs.missing_weights(cfg, known_needs, sizes)
                   + needs.missing_gpus(cfg, device, gpus))
        weights = trained.get(repr(training_keys(cfg)))
        if weights is None:
            cfg = with_values(cfg, {"output_path": folder_for_training(cfg)})
            prefix, command = None, training_command(row_file(row), device, _words(row, cfg, overrides))
        else:
            prefix = checkpoint_prefix(weights.cfg)
            command = testing_command(row_file(row), device, f"{prefix}-{weights.cfg.TRAIN.end_epoch:04d}",
                                      _metrics_file(cfg).parent, _words(row, cfg, overrides))
        jobs.append(Job(row, cfg, command, missing, prefix))
        trained.setdefault(repr(training_keys(cfg)), jobs[-1])
    return jobs


def run_jobs(jobs: Sequence[Job], state: State, folder: Path, report: Callable[[str], None],
             runner: CommandRunner) -> None:
    """Runs those jobs that lack nothing and are not done with this configuration, and reports what became of each.

    Args:
        jobs: from `plan_jobs`.
        state: takes the results, see `paper_results`.
        folder: takes the logs of the commands.
        report: takes lines of text.
        runner: runs the commands.

    Raises:
        UsageError: a command failed, or there is nothing to test.
    """
    remedies: Dict[str, str] = {}
    for job in jobs:
        done = find_result(state, job.row, job.cfg)
        if done is not None:
            report(f"{job.row}: done, {_accuracy(done['metrics'])}")
        elif job.missing:
            report(f"{job.row}: not run, for there is no\n  " + "\n  ".join(lack.what for lack in job.missing))
            remedies.update(job.missing)
        else:
            log = folder / f"{job.row}.txt"
            report(f"{job.row}: running, log in {log}")
            began = time.monotonic()
            metrics = _run(job, log, runner)
            keep_result(state, job.row, job.cfg, metrics, time.monotonic() - began)
            report(f"{job.row}: {_accuracy(metrics)}")
    for what, remedy in remedies.items():
        report(f"\nTo get {what}:\n  {remedy}")


def _run(job: Job, log: Path, runner: CommandRunner) -> Dict[str, Any]:
    """Runs a job; returns COCO's figures, and those of Pascal VOC under "voc"."""
    words = list(job.command)
    if job.tested_prefix is not None:
        checkpoint = latest_checkpoint(job.tested_prefix)
        if checkpoint is None:
            raise UsageError(f"{job.row}: there is no checkpoint {job.tested_prefix}-NNNN to test")
        words[words.index("--checkpoint") + 1] = checkpoint
    path = _metrics_file(job.cfg)
    # Figures of an earlier test must not be taken for those of this one.
    path.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    runner.run(words, log)
    if not path.is_file():
        raise UsageError(f"{job.row}: its test wrote no {path}; see {log}")
    metrics = json.loads(path.read_text(encoding="utf-8"))
    return dict({name: metrics["coco"][name] for name in FIGURES},
                voc={name: metrics["voc"][name] for name in ("AP", "AP07")})


def _metrics_file(cfg: CfgNode) -> Path:
    return Path(cfg.output_path) / "test" / "metrics.json"


def _accuracy(metrics: Dict[str, Any]) -> str:
    return "AP not defined, no objects" if metrics["AP"] is None else f"AP {100 * metrics['AP']:.1f}"


def _configure(row: str, overrides: Sequence[str]) -> CfgNode:
    cfg = row_config(row, overrides)
    folder = override_values(overrides).get("output_path")
    return cfg if folder is None else with_values(cfg, {"output_path": str(Path(folder) / row)})


def _words(row: str, cfg: CfgNode, overrides: Sequence[str]) -> List[str]:
    """Returns the overrides, with the output path where it is not that of the row's file."""
    return list(overrides) + ([] if cfg.output_path == row_config(row).output_path
                              else ["output_path", cfg.output_path])
