"""What the description of an export may say, whoever wrote it: each value is of its kind and within bounds."""
from typing import Any, Callable, Dict, Mapping, Tuple

LARGEST_SIDE = 20000  # pixels
MOST_PROPOSALS = 1000000
MOST_BYTES = 4 << 20  # of a description
_MOST_CLASSES, _LONGEST_NAME = 100_000, 1000
Check = Tuple[Callable[[Any], bool], str]  # whether a value is as it must be, and how it must be


def is_number(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number, not a truth value, from `low` to `high`."""
    return type(value) in (int, float) and low <= value <= high


def three_numbers(low: float, high: float) -> Callable[[Any], bool]:
    """Returns a check of a list of three numbers, each from `low` to `high`."""
    return lambda value: isinstance(value, list) and len(value) == 3 and all(
        is_number(number, low, high) for number in value)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= _MOST_CLASSES and all(
        isinstance(name, str) and len(name) <= _LONGEST_NAME for name in value)


SIDE: Check = (lambda value: type(value) is int and 1 <= value <= LARGEST_SIDE,
               f"a whole number from 1 to {LARGEST_SIDE}")
NAMES: Check = (_is_names, "a list of names")
# The values of a detector on given proposals.
OF_PROPOSALS: Dict[str, Check] = {
    "proposals": (lambda value: value is True, "true or false"),
    "proposal_limit": (lambda value: type(value) is int and 1 <= value <= MOST_PROPOSALS,
                       f"a whole number from 1 to {MOST_PROPOSALS}"),
    "map_stride": SIDE,
}


def check_values(description: Mapping[str, Any], checks: Mapping[str, Check]) -> None:
    """Raises ValueError where a value of a description is not as it must be; the message names its key.

    Args:
        description: the values by key.
        checks: of each key that is needed; those of `OF_PROPOSALS` are added where the description has proposals.
    """
    for key, (is_sound, expected) in {**checks, **(OF_PROPOSALS if description.get("proposals") else {})}.items():
        value = description.get(key)
        if not is_sound(value):
            given = type(value).__name__ if isinstance(value, (list, dict)) else f"{value!r:.50}"
            raise ValueError(f"{key} is {given}, and must be {expected}")
