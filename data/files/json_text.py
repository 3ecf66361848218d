"""Parsing of JSON from strangers with one kind of error."""
import json
from typing import Any, Callable, Optional


def parse_json(text: str, object_hook: Optional[Callable[[Any], Any]] = None) -> Any:
    """Returns the value that a text stands for.

    Args:
        text: the JSON text.
        object_hook: is given each object, and returns what stands in its place.

    Raises:
        ValueError: it is no JSON (`json.JSONDecodeError`), it nests too deeply, or a number in it is too long.
    """
    try:
        return json.loads(text, object_hook=object_hook)
    except RecursionError:
        raise ValueError("its lists and objects lie too deep in each other") from None
