"""Tables of things that a program looks up by name. A user's program may add to them without editing this package."""
import inspect
from typing import Callable, FrozenSet, Generic, Iterable, List, TypeVar

from .errors import ModelError

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """A table of entries by name, in which a name stands once.

    Args:
        kind: what an entry is, for the messages of errors, e.g. "backbone".
    """

    def __init__(self, kind: str):
        self.kind = kind
        self.entries = {}

    def add(self, name: str, entry: Entry) -> None:
        """Adds an entry.

        Args:
            name: letters, digits and underscores.
            entry: what `get` shall return.

        Raises:
            ModelError: the table has an entry of this name already.
        """
        if name in self.entries:
            raise ModelError(f"a {self.kind} named {name!r} is registered already; choose another name")
        self.entries[name] = entry

    def get(self, name: str) -> Entry:
        """Returns the entry of a name; ModelError, which lists the known names, if there is none."""
        if name not in self.entries:
            raise ModelError(f"unknown {self.kind} {name!r}; known: {', '.join(self.names())}")
        return self.entries[name]

    def names(self) -> List[str]:
        """Returns the names of all entries, sorted."""
        return sorted(self.entries)


def option_names(builder: Callable, base: Callable) -> FrozenSet[str]:
    """Returns the names of the options of a builder: of those of its arguments that have a default value.

    Args:
        builder: a class or a function. A class that has a `**` argument has the options of its base classes, too.
        base: the class to which a function with a `**` argument passes that on.
    """
    sources = [builder]
    if inspect.isclass(builder):
        sources = [kind for kind in inspect.getmro(builder) if "__init__" in vars(kind)]
    names = set()
    for source in sources:
        parameters = inspect.signature(source).parameters.values()
        names.update(parameter.name for parameter in parameters if parameter.default is not inspect.Parameter.empty)
        if all(parameter.kind != inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            return frozenset(names)
    return frozenset(names) if inspect.isclass(builder) else frozenset(names) | option_names(base, base)


def check_options(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises ModelError for the first given option that is not known.

    Args:
        owner: the name of what has the options, for the message.
        given: names of options.
        known: the names that may be given; the message lists them.
    """
    for name in given:
        if name not in known:
            raise ModelError(f"{owner} has no option {name!r}; its options: {', '.join(sorted(known))}")
