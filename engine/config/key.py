"""The description of one configuration key: its default, kind, bounds and meaning."""
from dataclasses import dataclass
from typing import Any, Optional, Tuple

from .bounds import Bounds
from .kinds import Kind


@dataclass(frozen=True)
class Key:
    """One row of the table of configuration keys.

    Attributes:
        name: sections and name with dots between, such as "TRAIN.lr".
        default: value where neither a file nor an override sets another one.
        kind: which values the key takes.
        meaning: sentences for people who have not read the code, with units.
        bounds: of the number, or of each number of a sequence; None for no bounds.
        implemented: the values that this package implements, where the MXNet original knows more; empty where all are
            implemented. `load_config` refuses other values.
        free_on_resume: whether a resumed run may change the value, because it does not change what a training step
            computes.
        bound_to_weights: whether trained weights work only with the value that they were trained with.
        unread: whether nothing in this package reads the key, which files of the MXNet original have.
    """

    name: str
    default: Any
    kind: Kind
    meaning: str
    bounds: Optional[Bounds] = None
    implemented: Tuple[Any, ...] = ()
    free_on_resume: bool = False
    bound_to_weights: bool = False
    unread: bool = False

    @property
    def section(self) -> str:
        """Name of the section that holds the key, such as "TRAIN.ALTERNATE"; empty for keys outside all sections."""
        return self.name.rpartition(".")[0]

    def coerce(self, value: Any, from_text: bool = False) -> Any:
        """Returns a value as the configuration holds it; arguments as for `Kind.coerce`.

        Raises:
            ValueError: the value is not of this key's kind or out of its bounds; the message says what is wanted.
        """
        value = self.kind.coerce(value, from_text)
        if self.bounds is not None:
            for number in value if isinstance(value, tuple) else (value,):
                if not self.bounds.contain(number):
                    raise ValueError(str(self.bounds))
        return value

    def implements(self, value: Any) -> bool:
        """Returns whether this package implements a value, which must be of the key's kind."""
        return not self.implemented or value in self.implemented
