"""Loads annotation files that are a JSON list with an entry for each image."""
import json
from typing import Any, List

from ...errors import DataError
from ..files.text_lists import read_text
from ..garbage import no_looks_for_garbage


def load_json_list(file: str, tool: str) -> List[Any]:
    """Returns the entries of a file.

    Args:
        file: in any encoding of Unicode.
        tool: that writes such files, for messages.

    Raises:
        DataError: it cannot be read, is not valid JSON, or is no list.
    """
    try:
        with no_looks_for_garbage():
            content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON ({error})") from None
    if not isinstance(content, list):
        raise DataError(f"{file}: not a file of {tool}, it is no list of images")
    return content
