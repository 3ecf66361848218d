"""Dumps of the original graphs, where they are at hand."""
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def facts():
    """Function that reads a dump of an original graph, or skips the test."""
    folder = Path(os.environ.get("LHRCNN_FACTS", ROOT.parent / "shared" / "facts"))

    def read(name):
        if not (folder / name).is_file():
            pytest.skip("no %s in %s (set LHRCNN_FACTS to the folder that holds it)" % (name, folder))
        return json.loads((folder / name).read_text())

    return read
