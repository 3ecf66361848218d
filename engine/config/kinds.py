"""The kinds of values that configuration keys take: what is accepted, and what it becomes.

Sequences become tuples, and whole numbers become floats where floats are wanted, so that a configuration compares equal
however its values were written.
"""
import itertools
import re
from typing import Any, Callable, Dict, Mapping, NamedTuple, Tuple, Union

import yaml

from ...data.assembling.faults import FaultPolicy
from ...errors import UsageError


_LARGEST_EDGE = 20000  # pixels, of images as networks get them
_LARGEST_NUMBER = 2 ** 53  # what is larger counts nothing, and becomes another number as a float


class _Loader(yaml.SafeLoader):
    """Reads texts as YAML, and refuses numbers that YAML does not read to the base 10: 010 is 8 there, 1:30 is 90."""

    def decimal_number(self, node: yaml.ScalarNode) -> Union[int, float]:
        """Returns a number; UsageError where it begins with 0 or has colons, as no decimal number of YAML's does."""
        kind = node.tag.rpartition(":")[2]
        number = getattr(self, f"construct_yaml_{kind}")(node)
        base = 60 if ":" in node.value else 8 if kind == "int" and re.match(r"[-+]?0[0-7_]", node.value) else 10
        if base != 10:
            raise UsageError(f"{node.value} is {number} in YAML, which reads it to the base {base}; write a decimal "
                             "number")
        return number


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.decimal_number)


class Kind(NamedTuple):
    """What values a configuration key takes.

    Args:
        wanted: words that complete "must be ...", such as "a whole number".
        check: returns a value, from a YAML file or from Python, as the configuration holds it; raises ValueError or
            TypeError for a value that is not of this kind.
        parse: returns what a text of the command line stands for, which `check` then gets.
        takes_mapping: whether a mapping is a value, and not a section.
    """

    wanted: str
    check: Callable[[Any], Any]
    parse: Callable[[str], Any]
    takes_mapping: bool = False

    def coerce(self, value: Any, from_text: bool = False) -> Any:
        """Returns a value as the configuration holds it.

        Args:
            value: from a YAML file, from Python, or from the command line.
            from_text: whether a text must first be read as YAML. Sequences may then be written `[a, b]`, `(a, b)` or
                `a,b`.

        Raises:
            ValueError: the value is not of this kind; the message says what is wanted.
        """
        try:
            return self.check(self.parse(value) if from_text and isinstance(value, str) else value)
        except UsageError as error:
            raise ValueError(f"{self.wanted} ({error})") from None
        except (TypeError, ValueError, OverflowError, yaml.YAMLError):
            raise ValueError(self.wanted) from None


def numbers_of(text: str) -> Tuple[float, ...]:
    """Returns the numbers in a text with commas between them; an empty text has none."""
    return tuple(float(part) for part in text.split(",")) if text.strip() else ()


def fault_actions(text: str) -> Union[str, Dict[str, str]]:
    """Returns the policy for faults that a text stands for: a word, or actions by kind as in "a: drop, b: error"."""
    if ":" not in text:
        return text.strip()
    pairs = (entry.partition(":") for entry in text.strip().strip("{}").split(","))
    return {kind.strip(): action.strip() for kind, _, action in pairs}


def layer_ranks(text: str) -> Dict[str, int]:
    """Returns ranks by the name of a layer, as in "fc6=1024,fc7=256"; ValueError for another text."""
    pairs = [part.partition("=") for part in text.split(",")] if text.strip() else []
    ranks = {name.strip(): int(rank) for name, _, rank in pairs}
    _require(len(ranks) == len(pairs) and all(ranks) and min(ranks.values(), default=1) > 0, ranks)
    return ranks


def word(*allowed: str) -> Kind:
    """Returns the kind of one word among those allowed."""
    return Kind(f"one of {', '.join(allowed)}", lambda value: _require(value in allowed, value), str)


def bool_or_word(*allowed: str) -> Kind:
    """Returns the kind of true, false, or one of a few words."""
    return Kind(f"true, false or {', '.join(allowed)}",
                lambda value: _require(isinstance(value, bool) or value in allowed, value), yaml.safe_load)


def floats(length: int) -> Kind:
    """Returns the kind of a sequence of as many floats."""
    return Kind(f"{length} numbers", lambda value: _sequence(_float, value, length), _parse_numbers)


def _require(condition: bool, value: Any) -> Any:
    if not condition:
        raise ValueError
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def _bool(value: Any) -> bool:
    return _require(isinstance(value, bool), value)


def _int(value: Any) -> int:
    return _require(_is_int(value), value)


def _float(value: Any) -> float:
    # YAML 1.1 reads 5e-4, without a point, as text.
    number = float(_require(not isinstance(value, bool) and isinstance(value, (int, float, str)), value))
    return _require(number - number == 0, number)  # neither infinite nor NaN


def _number(value: Any) -> float:
    return value if _is_int(value) else _float(value)


def _text(value: Any) -> str:
    return _require(isinstance(value, str), value)


def _sequence(of: Callable[[Any], Any], value: Any, length: int = 0) -> Tuple[Any, ...]:
    _require(isinstance(value, (list, tuple)) and (not length or len(value) == length), value)
    return tuple(of(item) for item in value)


def _one_or_more(of: Callable[[Any], Any], value: Any) -> Tuple[Any, ...]:
    return _require(len(value) > 0, _sequence(of, value))


def _pair(value: Any) -> Tuple[int, int]:
    short, long = _sequence(_int, value, 2)
    return _require(0 < short <= long <= _LARGEST_EDGE, (short, long))


def _factors(value: Any) -> Tuple[float, float]:
    low, high = _sequence(_float, value, 2)
    return _require(0 < low <= high, (low, high))


def _pairs(value: Any) -> Tuple[Tuple[int, int], ...]:
    if isinstance(value, (list, tuple)) and value and _is_int(value[0]):
        value = [value]
    return _sequence(_pair, value)


def _pair_or_pairs(value: Any) -> tuple:
    pairs = _require(len(value) > 0, _pairs(value))
    return pairs[0] if len(pairs) == 1 else pairs


def _int_or_ints(value: Any) -> Any:
    return value if _is_int(value) else _one_or_more(_int, value)


def _with_commas(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(str(_number(item)) for item in value)
    return value if isinstance(value, str) else str(_number(value))


def _ids(value: Any) -> str:
    text = _with_commas(value)
    return _require(all(part.strip().isdecimal() for part in text.split(",")), text)


def _epochs(value: Any) -> str:
    text = _with_commas(value)
    numbers = numbers_of(text)
    return _require(all(0 <= number <= _LARGEST_NUMBER for number in numbers)
                    and list(numbers) == sorted(set(numbers)), text)


def _faults(value: Any) -> str:
    policy = fault_actions(value) if isinstance(value, str) else _require(isinstance(value, Mapping), value)
    FaultPolicy(policy)
    if isinstance(policy, str):
        return policy
    return ", ".join(f"{kind}: {action}" for kind, action in sorted(policy.items()))


def _ranks(value: Any) -> str:
    if not isinstance(value, str):
        value = ",".join(f"{name}={rank}" for name, rank in _require(isinstance(value, Mapping), value).items())
    return ",".join(f"{name}={rank}" for name, rank in layer_ranks(value).items())


def _parse_numbers(text: str) -> Any:
    """Returns the list, which may hold others, or the single number that a text stands for."""
    return _parse_list(text.replace("(", "[").replace(")", "]"), _Loader)


def _parse_texts_of_numbers(text: str) -> Any:
    """Returns the list that a text in brackets stands for; another text stays as it is."""
    return _parse_numbers(text) if text.lstrip().startswith(("[", "(")) else text


def _parse_names(text: str) -> Any:
    """Returns the list of names, or the single one, that a text stands for; names may have parentheses themselves.

    Words stay words: a class may be called 1, no or null.
    """
    text = text.strip()
    return _parse_list(f"[{text[1:-1]}]" if _is_in_parentheses(text) else text, yaml.BaseLoader)


def _is_in_parentheses(text: str) -> bool:
    """Whether the parenthesis that opens a text closes at its end, as in "(a, b)" and not in "(a), (b)"."""
    depths = list(itertools.accumulate((character == "(") - (character == ")") for character in text))
    return text.startswith("(") and depths[-1] == 0 and all(depths[:-1])


def _parse_list(text: str, loader: type) -> Any:
    """Returns what stands in brackets, which the outermost list may lack."""
    if text.lstrip().startswith("["):
        try:
            # A list of pairs may lack its own brackets: "[600, 1000], [800, 1200]".
            return yaml.load(text, loader)
        except yaml.YAMLError:
            pass
    return yaml.load(f"[{text}]", loader)


def _parse_number(text: str) -> Any:
    return yaml.load(text, _Loader)


def _parse_int_or_ints(text: str) -> Any:
    value = _parse_number(text)
    return value if _is_int(value) else _parse_numbers(text)


BOOL = Kind("true or false", _bool, yaml.safe_load)
INT = Kind("a whole number", _int, _parse_number)
FLOAT = Kind("a number", _float, _parse_number)
TEXT = Kind("text", _text, str)
NAMES = Kind("a list of names", lambda value: _sequence(_text, value), _parse_names)
NUMBERS = Kind("a list of numbers", lambda value: _one_or_more(_number, value), _parse_numbers)
INTS = Kind("a list of whole numbers", lambda value: _sequence(_int, value), _parse_numbers)
INT_OR_INTS = Kind("a whole number, or one for each level", _int_or_ints, _parse_int_or_ints)
# A text in the configuration, such as "image_missing: error", as `fault_actions` reads it.
FAULTS = Kind("default, raise, skip, or what is done about kinds of faults, such as {image_missing: error}", _faults,
              str, takes_mapping=True)
# A text in the configuration, as `layer_ranks` reads it.
RANKS = Kind("ranks of layers, such as fc6=1024,fc7=256", _ranks, str, takes_mapping=True)
# Texts of numbers, as the files of the MXNet original write them.
GPU_IDS = Kind("device numbers with commas between, such as '0,1'", _ids, _parse_texts_of_numbers)
EPOCHS = Kind("rising numbers with commas between, such as '4,5.333'", _epochs, _parse_texts_of_numbers)
FACTORS = Kind("two factors above 0, the lower one first", _factors, _parse_numbers)
PAIRS = Kind("a list of [shorter edge, bound on the longer edge] in whole pixels", _pairs, _parse_numbers)
PAIR_OR_PAIRS = Kind("[shorter edge, bound on the longer edge] in whole pixels, or a list of such pairs",
                     _pair_or_pairs, _parse_numbers)
