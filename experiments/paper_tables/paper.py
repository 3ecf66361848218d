"""The rows at the paper's scale: their commands, what is missing for them, and running what can run."""
import math
import os
from pathlib import Path
from typing import NamedTuple

import mxnet as mx
import yaml

from ...data.readers.coco import PARENT_IMAGE_SETS
from ...engine.checkpoints.checkpoint import latest_checkpoint
from ...engine.config import checkpoint_prefix, dataset_kind, training_keys
from .detectors import row_net
from .rows import row_config, row_file
from .running import run_command, test_command, train_command

NEEDS = Path(__file__).with_name("needs.yaml")


class Missing(NamedTuple):
    """Something that is not there, and how to get it."""

    what: str
    remedy: str


class Job(NamedTuple):
    """A row at the paper's scale.

    commands: lists of words. missing: list of Missing, empty where it can run. weights: name of the row whose weights
    it tests.
    """

    row: str
    commands: list
    missing: list
    weights: str


def jobs(rows, overrides=(), device=(), gpus=None):
    """The jobs of some rows.

    Args:
        rows: names.
        overrides: KEY VALUE pairs of all commands, such as dataset.dataset_path PATH.
        device: words, such as ["--gpus", "0,1"].
        gpus: how many MXNet sees; default: asked.
    """
    gpus = _gpus() if gpus is None else gpus
    needs = yaml.safe_load(NEEDS.read_text(encoding="utf-8"))
    found, trained, sizes = [], {}, {}
    for row in rows:
        cfg = row_config(row, overrides)
        weights = trained.setdefault(repr(training_keys(cfg)), row)
        missing = missing_data(cfg, needs) + missing_weights(cfg, needs, sizes)
        if not gpus:
            missing.append(Missing("a GPU that MXNet sees", "with an NVIDIA GPU: pip install .[cu112]"))
        if weights == row:
            commands = [train_command(row_file(row), device, overrides)]
        else:
            prefix = checkpoint_prefix(row_config(weights, overrides))
            checkpoint = latest_checkpoint(prefix) or "%s-%04d" % (prefix, cfg.TRAIN.end_epoch)
            commands = [test_command(row_file(row), device, checkpoint, overrides)]
        found.append(Job(row, commands, missing, weights))
    return found


def missing_data(cfg, needs):
    """Lines that name what of the data sets of a configuration is not there, with sizes and sources."""
    root, kind = cfg.dataset.dataset_path, dataset_kind(cfg)
    wanted = []
    for image_set in "+".join((cfg.dataset.image_set, cfg.dataset.test_image_set)).split("+"):
        if kind == "coco":
            wanted += [("annotations", "instances_%s.json" % image_set), (PARENT_IMAGE_SETS.get(image_set, image_set),)]
        else:
            year, _, name = image_set.partition("_")
            wanted += [("VOC" + year, "ImageSets", "Main", name + ".txt"), ("VOC" + year, "JPEGImages")]
    absent = sorted({os.path.join(root, *parts) for parts in wanted
                     if not any(os.path.exists(os.path.join(root, *folder, *parts)) for folder in ((), ("images",)))})
    if not absent:
        return []
    return [Missing("data (%s)" % ", ".join(absent), "unpack in %s, or name another folder by --data PATH: %s"
                    % (root, "; ".join(needs["data"][kind]["files"])))]


def missing_weights(cfg, needs, sizes):
    """The pretrained file of a configuration where it is not there: a list of Missing, empty or of one.

    Args:
        sizes: dict that remembers the sizes of backbones by file, bytes.
    """
    path = "%s-%04d.params" % (cfg.network.pretrained, cfg.network.pretrained_epoch)
    if os.path.isfile(path):
        return []
    if path not in sizes:
        sizes[path] = 4 * sum(math.prod(p.shape) for p in row_net(cfg).backbone.collect_params().values())
    kind = "xception" if "xception" in cfg.network.model else "resnet"
    return [Missing("weights (%s)" % path, "about %.0f MB, or name another by network.pretrained PREFIX: %s"
                    % (sizes[path] / 1e6, needs["weights"][kind]))]


def run_jobs(todo, state, folder, tell, execute=run_command):
    """Runs those jobs that lack nothing and are not done, and says of each what became of it.

    Args:
        todo: from `jobs`.
        state: State; takes {"done": True} by "paper/row".
        folder: Path for logs.
        tell: takes lines of text.
        execute: see `running.run_all`.
    """
    remedies = {}
    for job in todo:
        key = "paper/" + job.row
        if state.get(key):
            tell("%s: done" % job.row)
        elif job.missing:
            tell("%s: not run, for there is no\n  %s" % (job.row, "\n  ".join(lack.what for lack in job.missing)))
            remedies.update(job.missing)
        else:
            tell("%s: running, log in %s" % (job.row, folder / (job.row + ".txt")))
            folder.mkdir(parents=True, exist_ok=True)
            for words in job.commands:
                execute(words, folder / (job.row + ".txt"))
            state.put(key, {"done": True})
    for what, remedy in remedies.items():
        tell("\nTo get %s:\n  %s" % (what, remedy))


def readable(words):
    """A command as a person would type it in the checkout."""
    words = ["python" if number == 0 else word for number, word in enumerate(words) if word != "-m"]
    words[1] = "experiments/%s.py" % words[1].rpartition(".")[2]
    root = str(Path(__file__).resolve().parents[2]) + os.sep
    return " ".join(word[len(root):] if word.startswith(root) else word for word in words)


def _gpus():
    try:
        return mx.context.num_gpus()
    except mx.MXNetError:
        return 0
