"""The results so far in one JSON file, so that a command that was stopped goes on where it stopped."""
from pathlib import Path
from typing import Any, Dict, List, Union

from ...data.files.json_text import parse_json
from ...engine.files import write_json
from ...errors import UsageError


class State:
    """Results by key, which are written to a file after each change.

    Args:
        path: the JSON file; read where it is there.

    Attributes:
        path: the JSON file.

    Raises:
        UsageError: the file is there, but is not a JSON object.
    """

    def __init__(self, path: Union[str, Path]):
        self.path = Path(path)
        self._results: Dict[str, Any] = {}
        if self.path.is_file():
            try:
                self._results = dict(parse_json(self.path.read_text(encoding="utf-8")))
            except (ValueError, TypeError) as error:
                raise UsageError(f"{self.path} is broken ({error}): delete it to begin anew") from None

    def keys(self) -> List[str]:
        """Returns the keys of all results."""
        return list(self._results)

    def get(self, key: str) -> Any:
        """Returns the result that is kept under a key, or None."""
        return self._results.get(key)

    def put(self, key: str, result: Any) -> None:
        """Keeps a result, which must be something that JSON can hold, in place of an earlier one of the same key."""
        self._results[key] = result
        write_json(self.path, self._results)
