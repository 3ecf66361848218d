"""The table of all configuration keys: each once, with its default, kind, bounds and meaning.

The names, in upper and lower case, are those of the MXNet original's files, which therefore load unchanged.
"""
from typing import Any, Dict

from ..key import Key
from ..tree import nest
from . import alternate, dataset, general, network, testing, training

KEYS: Dict[str, Key] = {key.name: key for part in (general, network, dataset, training, alternate, testing)
                        for key in part.KEYS}
# The defaults as nested dicts, as in a YAML file.
DEFAULTS: Dict[str, Any] = nest({key.name: key.default for key in KEYS.values()})
SECTIONS = frozenset(section for key in KEYS.values() if key.section
                     for section in (key.section.split(".")[0], key.section))
