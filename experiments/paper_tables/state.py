"""What has been done so far, in one JSON file: a stopped run goes on where it stopped."""
import json
from pathlib import Path

from ...errors import UsageError
from ...engine.files import write_json


class State:
    """Results by key, written to `path` after each.

    Raises UsageError naming the file where it is there and broken.
    """

    def __init__(self, path):
        self.path = Path(path)
        self._results = {}
        if self.path.is_file():
            try:
                self._results = dict(json.loads(self.path.read_text(encoding="utf-8")))
            except (ValueError, TypeError) as error:
                raise UsageError("%s is broken (%s): delete it to begin anew" % (self.path, error)) from None

    def get(self, key):
        """The result of a key, or None."""
        return self._results.get(key)

    def put(self, key, result):
        """Keeps a result that JSON can hold."""
        self._results[key] = result
        write_json(self.path, self._results)
