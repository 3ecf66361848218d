"""Ids of images and categories in COCO's format, which people write as numbers, as texts, or as both."""
from typing import Any, Dict, Generic, List, Optional, TypeVar, Union

Id = Union[int, str]
Value = TypeVar("Value")


def as_id(stated: Any) -> Optional[Id]:
    """Returns an id: a text, or a whole number, which a file may state as 7.0; None for anything else."""
    if type(stated) in (int, str):
        return stated
    return int(stated) if isinstance(stated, float) and stated.is_integer() else None


class IdTable(Generic[Value]):
    """Values by id; an id that is not there is looked for by its text, so that "7" finds 7."""

    def __init__(self) -> None:
        self.values: Dict[Id, Value] = {}
        self._by_text: Dict[str, List[Id]] = {}

    def add(self, one: Id, value: Value) -> None:
        """Adds a value under an id that is not there yet."""
        self.values[one] = value
        self._by_text.clear()

    def find(self, stated: Any) -> Optional[Value]:
        """Returns the value of an id; None where there is none, or where its text fits several."""
        if type(stated) is int:  # nearly all
            value = self.values.get(stated)
            if value is not None:
                return value
        try:
            if stated in self.values and type(stated) is not bool:
                return self.values[stated]
        except TypeError:  # a list, say
            return None
        one = as_id(stated)
        if one is None:
            return None
        if not self._by_text:
            for known in self.values:
                self._by_text.setdefault(str(known).strip(), []).append(known)
        fitting = self._by_text.get(str(one).strip(), [])
        return self.values[fitting[0]] if len(fitting) == 1 else None
