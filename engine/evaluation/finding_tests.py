"""Finds the results of a test in the file or folder that a user names."""
import json
from pathlib import Path
from typing import NamedTuple, Optional, Sequence, Tuple

from ..files import PathLike


class TestedRun(NamedTuple):
    """The result file of a test.

    Attributes:
        results: results.json.
        classes: names of the data set's classes in the test, by id; None where nothing says so.
    """

    __test__ = False  # pytest must not take the class for a test

    results: Path
    classes: Optional[Tuple[str, ...]]


def find_test(run: PathLike) -> Optional[TestedRun]:
    """Finds the results of a test.

    Args:
        run: a result file, the folder of a test, or the folder of a training with its test in it.

    Returns:
        None where there are no results, as for a checkpoint.
    """
    run = Path(run)
    places = [run] if run.suffix == ".json" else [run / "results.json", run / "test" / "results.json"]
    results = next((place for place in places if place.is_file() and _is_list(place)), None)
    return None if results is None else TestedRun(results, _tested_classes(results.with_name("dataset.json")))


def _is_list(file: Path) -> bool:
    """Tells a result file from the JSON file of a checkpoint."""
    with open(file, "rb") as stream:
        return stream.read(100).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _tested_classes(report: Path) -> Optional[Tuple[str, ...]]:
    try:
        names: Sequence[str] = list(json.loads(report.read_text(encoding="utf-8"))["boxes_per_class"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tuple(names)
