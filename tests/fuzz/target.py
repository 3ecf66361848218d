"""What a target of the fuzzer is."""
import importlib.util
from pathlib import Path
from typing import Callable, List, NamedTuple

_FOLDER = Path(__file__).parent / "targets"


class Target(NamedTuple):
    """A door by which files of strangers come in.

    Attributes:
        file: name of the file that is changed, in the folder of a trial.
        seeds: returns the contents of sound files, of which changed ones are made.
        read: reads the file as the package does; is given the folder of the trial.
        prepare: writes what else must be in the folder; is called once.
    """

    file: str
    seeds: Callable[[], List[bytes]]
    read: Callable[[Path], object]
    prepare: Callable[[Path], None] = lambda folder: None


def target_names() -> List[str]:
    """Names of all targets: one or more in each module of the folder targets/."""
    return [name for path in sorted(_FOLDER.glob("*.py")) for name in _load(path)]


def load_target(name: str) -> Target:
    """Returns a target by its name."""
    for path in sorted(_FOLDER.glob("*.py")):
        targets = _load(path)
        if name in targets:
            return targets[name]
    raise KeyError(name)


def _load(path: Path) -> dict:
    spec = importlib.util.spec_from_file_location(f"fuzz_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TARGETS
