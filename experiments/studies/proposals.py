"""Proposals from outside for the data sets of a study: found once, by `lhrcnn proposals`, before the first training."""
import os
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

import yaml
from yacs.config import CfgNode

from ...engine.building.datasets import build_dataset
from ...engine.building.proposals import build_proposals
from ...engine.config import load_config
from ...engine.evaluation.proposal_recall import average_recall, proposal_recall
from ...engine.inference.proposing import file_name
from ..runs.processes import CommandRunner
from ..runs.run_commands import proposing_command

_FOLDER = "proposals"


def proposal_entries(method: str, values: Mapping[str, Any], folder: Path) -> Dict[str, Any]:
    """Returns the configuration entries that name the files of proposals of a data set.

    Args:
        method: see `data.proposals.methods.METHODS`.
        values: configuration entries by key; those that name the data set and its image sets are read.
        folder: of the study's runs.
    """
    sets = [values["dataset.image_set"], values["dataset.test_image_set"]]
    return {"dataset.proposal": "file", "dataset.proposal_files": [
        str(folder / _FOLDER / file_name(values["dataset.dataset_path"], name, method)) for name in sets]}


def find_proposals(method: str, configurations: Sequence[Path], folder: Path, runner: CommandRunner,
                   until: Optional[float] = None) -> bool:
    """Finds the proposals of all data sets that have none yet.

    Args:
        method: see `proposal_entries`.
        configurations: the file of one configuration for each data set.
        folder: of the study's runs.
        runner: runs the commands.
        until: see `running.run_study`.

    Returns:
        False where the time was over before the end; what was found by then is not found again.

    Raises:
        UsageError: a command failed; the message has the last lines of its output.
    """
    log = log_of(folder)
    for path in configurations:
        if not all(Path(file).is_file() for file in load_config(path).dataset.proposal_files):
            log.parent.mkdir(parents=True, exist_ok=True)
            if not runner.run(proposing_command(path, method, log.parent), log, until):
                return False
    return True


def log_of(folder: Path) -> Path:
    """Returns the file that takes what `lhrcnn proposals` says, of the study's runs in a folder."""
    return folder / _FOLDER / "log.txt"


def lacks_proposals(text: str) -> bool:
    """Returns whether a configuration, the text of its YAML file, names files of proposals that are not there yet."""
    of_data = yaml.safe_load(text).get("dataset", {})
    return of_data.get("proposal") == "file" and not all(map(os.path.isfile, of_data.get("proposal_files", ())))


def average_recall_of(cfg: CfgNode) -> Optional[float]:
    """Returns the average recall (IoU 0.5 to 0.95) of the proposals that a test reads, in percent; None where a
    configuration reads none."""
    if cfg.dataset.proposal != "file" or not cfg.dataset.test_image_set:
        return None
    dataset = build_dataset(cfg, cfg.dataset.test_image_set)
    found = proposal_recall(dataset.records, build_proposals(cfg, dataset, cfg.TEST.PROPOSALS), [cfg.TEST.PROPOSALS])
    return 100 * average_recall(found.best[0])
