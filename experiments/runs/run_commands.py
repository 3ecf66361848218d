"""The commands that train and test a configuration."""
import os
import sys
from pathlib import Path
from typing import List, Sequence, Union

_SCRIPTS = __name__.rsplit(".", 2)[0]


def training_command(cfg_file: Union[str, Path], device: Sequence[str], overrides: Sequence[str] = ()) -> List[str]:
    """Returns the command that trains a configuration, or goes on with its training, and tests it.

    Args:
        cfg_file: YAML file.
        device: words such as ["--cpu"] or ["--gpus", "0,1"].
        overrides: words KEY VALUE or KEY=VALUE.
    """
    return _command("train_end2end", cfg_file, device) + ["--resume-if-any", *overrides]


def testing_command(cfg_file: Union[str, Path], device: Sequence[str], checkpoint: str, folder: Union[str, Path],
                    overrides: Sequence[str] = ()) -> List[str]:
    """Returns the command that tests a checkpoint as a configuration says.

    Args:
        cfg_file, device, overrides: see `training_command`.
        checkpoint: PREFIX-TAG.
        folder: takes the results.
    """
    return _command("test", cfg_file, device) + ["--checkpoint", checkpoint, "--out", str(folder), *overrides]


def svm_command(cfg_file: Union[str, Path], device: Sequence[str], checkpoint: str) -> List[str]:
    """Returns the command that trains support vector machines on a checkpoint, and writes one with them to the
    configuration's output_path.

    Args:
        cfg_file, device, checkpoint: see `testing_command`.
    """
    return _lhrcnn("svm", cfg_file) + [*device, "--checkpoint", checkpoint]


def proposing_command(cfg_file: Union[str, Path], method: str, folder: Union[str, Path]) -> List[str]:
    """Returns the command that finds proposals for the image sets of a configuration.

    Args:
        cfg_file: see `training_command`.
        method: see `data.proposals.methods.METHODS`.
        folder: takes the files.
    """
    return _lhrcnn("proposals", cfg_file) + ["--method", method, "--out", str(folder)]


def readable_command(words: Sequence[str]) -> str:
    """Returns one of these commands as a person would type it in the checkout."""
    _, _, module, *rest = words
    root = str(Path(__file__).resolve().parents[2]) + os.sep
    shown = [word[len(root):] if word.startswith(root) else word for word in rest]
    return " ".join(["python", f"experiments/{module.rpartition('.')[2]}.py", *shown])


def _lhrcnn(command: str, cfg_file: Union[str, Path]) -> List[str]:
    return [sys.executable, "-m", f"{_SCRIPTS}.commands.main", command, "--cfg", str(cfg_file)]


def _command(script: str, cfg_file: Union[str, Path], device: Sequence[str]) -> List[str]:
    return [sys.executable, "-m", f"{_SCRIPTS}.{script}", "--cfg", str(cfg_file), *device]
