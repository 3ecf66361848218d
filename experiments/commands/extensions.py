"""Modules of the user's own, which register models, backbones and data sets before a command runs.

A module is named on the command line, or in the environment: never in a configuration, which may come from a stranger
and must not be able to run code.
"""
import importlib
import os
import sys
from typing import List, Sequence, Tuple

from ...errors import UsageError

# Names of modules with commas between. Commands that start others pass it on with the rest of the environment.
VARIABLE = "LHRCNN_IMPORT"
OPTION = "--import"


def split_extensions(words: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Splits the options `--import MODULE` from the front of a command line.

    Returns:
        The names of the modules, and the other words.

    Raises:
        UsageError: the option has no value.
    """
    names, rest = [], list(words)
    while rest and rest[0].split("=")[0] == OPTION:
        option, equals, name = rest.pop(0).partition("=")
        if not equals and rest:
            name = rest.pop(0)
        if not name or name.startswith("-"):
            raise UsageError(f"{OPTION} takes the name of a module, such as {OPTION} my_backbones")
        names.append(name)
    return names, rest


def add_extensions(names: Sequence[str]) -> None:
    """Adds modules to those that `import_extensions` imports, here and in the commands that this one starts."""
    known = _names()
    os.environ[VARIABLE] = ",".join(known + [name for name in names if name not in known])


def import_extensions() -> None:
    """Imports the modules that `VARIABLE` names; they are looked for in the working directory too.

    Raises:
        UsageError: a module is not there, or fails while it is imported.
    """
    for name in _names():
        if name in sys.modules:
            continue
        folder = os.getcwd()
        if folder not in sys.path:
            sys.path.append(folder)
        try:
            importlib.import_module(name)
        except Exception as error:
            missing = isinstance(error, ModuleNotFoundError) and name.split(".")[0] == error.name
            why = (f"there is no such module in {folder} or among the installed ones" if missing
                   else f"it fails: {type(error).__name__}: {error}")
            raise UsageError(f"the module {name} ({OPTION} or {VARIABLE}) cannot be imported, for {why}") from error


def _names() -> List[str]:
    return [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
