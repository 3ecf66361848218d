"""Finds the results of a test in the file or folder that a user names."""
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ...data.files.json_text import parse_json
from ...data.files.opening import read_regular
from ..files import PathLike


class TestedRun(NamedTuple):
    """The result file of a test.

    Attributes:
        results: results.json.
        classes: names of the data set's classes in the test, by id; None where nothing says so.
        image_set: the set that was tested; None where nothing says so.
    """

    __test__ = False  # pytest must not take the class for a test

    results: Path
    classes: Optional[Tuple[str, ...]]
    image_set: Optional[str]


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
    if results is None:
        return None
    report = _read_report(results.with_name("dataset.json"))
    per_class, image_set = report.get("boxes_per_class"), report.get("image_set")
    return TestedRun(results, tuple(per_class) if isinstance(per_class, dict) else None,
                     image_set if isinstance(image_set, str) else None)


def _is_list(file: Path) -> bool:
    """Tells a result file from the JSON file of a checkpoint."""
    with open(file, "rb") as stream:
        return stream.read(100).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _read_report(file: Path) -> Dict[str, Any]:
    """Returns what a test wrote about its data set; empty where there is no such file."""
    try:
        report = parse_json(read_regular(file).decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
