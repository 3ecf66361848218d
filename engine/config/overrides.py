"""Overrides of configuration values, from the command line and from Python."""
from typing import Any, Dict, Iterator, Mapping, Sequence, Tuple, Union

from ...errors import ConfigError
from .checking import checked_value, flatten_known

SOURCE = "override"
# A list of words KEY VALUE or KEY=VALUE, which may be mixed, or a dict.
Overrides = Union[Sequence[Any], Mapping[str, Any]]


def override_values(overrides: Overrides) -> Dict[str, Any]:
    """Returns the values that overrides set, checked, by key.

    Args:
        overrides: words of a command line, where each entry is `KEY VALUE` or `KEY=VALUE` (`["TRAIN.lr", "0.01",
            "gpus=0,1"]`; a value may hold "=", too), or a dict (`{"TRAIN.lr": 0.01}`, or by sections `{"TRAIN": {"lr":
            0.01}}`). Texts are read as YAML reads them, but numbers must be decimal; those of keys that take texts stay
            as they are, so that null is a name there and `network.pretrained=` sets an empty one. Sequences may be
            written `[a, b]`, `(a, b)` or `a,b`. Later entries win.

    Raises:
        ConfigError: unknown key, wrong value, or a key without a value; the message names the word.
    """
    if isinstance(overrides, Mapping):
        entries = flatten_known(SOURCE, overrides).items()
    elif isinstance(overrides, (str, bytes)):
        raise ConfigError(f"overrides must be a list of words or a dict, such as ['TRAIN.lr', '0.01'] or "
                          f"{{'TRAIN.lr': 0.01}}, got the text {overrides!r}")
    else:
        entries = _entries(list(overrides))
    return {key: checked_value(SOURCE, key, value, from_text=True) for key, value in entries}


def _entries(words: Sequence[Any]) -> Iterator[Tuple[str, Any]]:
    position = 0
    while position < len(words):
        word = words[position]
        if not isinstance(word, str):
            raise ConfigError(f"{SOURCE}: {word!r} stands where a key is expected; write KEY VALUE or KEY=VALUE")
        key, equals, value = word.partition("=")
        if not equals:
            if position + 1 == len(words):
                raise ConfigError(f"{SOURCE}: {word} has no value; write {word} VALUE or {word}=VALUE")
            position += 1
            value = words[position]
        position += 1
        yield key, value
