"""Values of annotations by their meaning, however a file spells them: numbers, yes or no, areas."""
import math
from typing import Any, Optional

from ...errors import DataError
from ..files.plain_names import without_controls

_NO = ("", "0", "false", "no", "n", "off", "none", "null", "unspecified")
_YES = ("1", "true", "yes", "y", "on")


def as_number(value: Any, kind: str = "value_not_understood") -> float:
    """Returns a number, or the one that a text states: 96, 96.0, "96" and " 96.0 " are the same.

    Args:
        value: as a file states it.
        kind: of the fault if it is no number.

    Raises:
        DataError: it is neither a finite number nor a text of one; True and False are no numbers.
    """
    try:
        if isinstance(value, str):
            number = math.nan if "_" in value else float(value)
        else:
            number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{shown(value)} is not a finite number", kind)
    return number


def is_number(word: str) -> bool:
    """Returns whether a text states a finite number."""
    try:
        return abs(float(word)) < float("inf")
    except ValueError:
        return False


def as_flag(value: Any) -> bool:
    """Returns whether a value means yes.

    0, 0.0, False, None, "", "0", "0.0", "false", "no", "Unspecified" mean no, and 1, 1.0, True, "1", "1.0", "true",
    "yes" mean yes, in upper or lower case.

    Raises:
        DataError: it is anything else (kind "value_not_understood").
    """
    if value is None:
        return False
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _NO or text in _YES:
            return text in _YES
    if isinstance(value, bool):
        return value
    try:
        number = as_number(value)
    except DataError:
        number = math.nan
    if number not in (0, 1):
        raise DataError(f"{shown(value)} means neither yes nor no", "value_not_understood")
    return number == 1


def as_area(value: Any) -> Optional[float]:
    """Returns the area of an object in pixels as stated, or None where nothing is stated (None or an empty text).

    Raises:
        DataError: it is no number or a negative one (kind "value_not_understood").
    """
    if value is None or isinstance(value, str) and not value.strip():
        return None
    area = as_number(value)
    if area < 0:
        raise DataError(f"{shown(value)} is negative", "value_not_understood")
    return area


def as_class_name(value: Any) -> Optional[str]:
    """Returns the name of a class as text, without spaces around it: 9 is "9", True is "true"; None for no name.

    Control characters in it are replaced, see `without_controls`.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return (without_controls(value.strip()) or None) if isinstance(value, str) else None


def shown(value: Any) -> str:
    """Returns a value as messages show it, cut off where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
