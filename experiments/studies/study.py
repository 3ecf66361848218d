"""Reads a study and the data sets that it is about from their YAML files, and checks them."""
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

import yaml

from ...data.files.opening import read_regular
from ...data.files.yaml_text import parse_yaml
from ...data.proposals.methods import METHODS
from ...engine.config import override_values
from ...errors import ConfigError, UsageError
from ..paper_tables.quotations import read_steps

FOLDER = Path(__file__).resolve().parent
_DATA_SETS = FOLDER / "data_sets.yaml"
# What a step can be about: AP and its like in percent, and the speed of training.
METRICS = ("AP", "AP50", "AP75", "images/s", "test images/s", "average recall")
# The entries of a row that name another one, and what is then done with the last checkpoint of that row and seed.
TRAIN, TEST, SVMS = "train", "test", "svms"
_KINDS = {"starts_from": TRAIN, "tests": TEST, "svms_of": SVMS}
_SIGNS = {"+": 1, "-": -1}
_PAPER = "paper"


class DataSet(NamedTuple):
    """A data set of a study.

    Attributes:
        name: that of its folder, too.
        label: what the page calls it.
        about: what it is, in a sentence; empty where nothing says so.
        values: configuration entries by key.
        test_on: the image set that the figures are of, where `dataset.test_image_set` only chooses the best checkpoint.
    """

    name: str
    label: str
    about: str
    values: Dict[str, Any]
    test_on: Optional[str]


class Row(NamedTuple):
    """A row of a study.

    Attributes:
        name: of the row.
        label: what the page calls it.
        values: configuration entries in which it differs, by key; those of `source` lie beneath them.
        kind: "train": it is trained. "test": the checkpoint of `source` is tested with other values. "svms": support
            vector machines take the place of the class layer of that checkpoint, and are tested.
        source: name of an earlier row whose last checkpoint of the same seed this one begins with; None for none.
    """

    name: str
    label: str
    values: Dict[str, Any]
    kind: str = TRAIN
    source: Optional[str] = None


class Step(NamedTuple):
    """What is claimed of a row, compared with another one.

    Attributes:
        before, row: names of the two rows.
        claim: in words.
        sign: of the change, 1 or -1.
        metric: of `METRICS`.
    """

    before: str
    row: str
    claim: str
    sign: int
    metric: str


class Study(NamedTuple):
    """A study.

    Attributes:
        name: of its file.
        title, question: texts of its page.
        base: name or path of the configuration that all rows start from.
        values: configuration entries that all rows have, by key.
        seeds: how many runs of each row on each data set; their seeds count from 0.
        data_sets, rows: by name, in order.
        steps: claims on the rows.
        proposals: method of `lhrcnn proposals` by which each data set gets proposals from outside; None for none.
        folder: of the runs, inside output/studies; studies with the same rows may share one.
        pages: folder of the page.
        word: what the user calls it: its name, or the path of its file.
    """

    name: str
    title: str
    question: str
    base: str
    values: Dict[str, Any]
    seeds: int
    data_sets: Dict[str, DataSet]
    rows: Dict[str, Row]
    steps: List[Step]
    proposals: Optional[str] = None
    folder: str = ""
    pages: str = "docs/studies"
    word: str = ""


def study_names() -> List[str]:
    """Returns the names of the studies that come with the package, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path != _DATA_SETS)


def read_study(name: str) -> Study:
    """Reads a study.

    Args:
        name: of a study that comes with the package, or the path of a YAML file of the same form.

    Raises:
        UsageError: there is no such study, or its file cannot be used; the message names the file and the entry.
    """
    path = Path(name) if name.endswith(".yaml") else FOLDER / f"{name}.yaml"
    if path.stem not in study_names() and not path.is_file() or path == _DATA_SETS:
        raise UsageError(f"there is no study {name!r}; known: {', '.join(study_names())}, or the path of a YAML file")
    tree = _read(path)
    unknown = set(tree) - {"title", "question", "base", "values", "seeds", "datasets", "rows", "steps", "proposals",
                           "folder", "pages"}
    missing = {"title", "question", "base", "datasets", "rows"} - set(tree)
    if unknown or missing:
        what = "unknown" if unknown else "missing"
        raise UsageError(f"{path}: {what} entry {', '.join(sorted(unknown or missing))}")
    data_sets = _data_sets(path, tree["datasets"])
    rows: Dict[str, Row] = {}
    for row, entry in _mapping(path, "rows", tree["rows"]).items():
        rows[row] = _row(path, row, entry or {}, rows)
    seeds = tree.get("seeds", 3)
    if not isinstance(seeds, int) or isinstance(seeds, bool) or seeds < 1:
        raise UsageError(f"{path}: seeds is {seeds!r}; it must be a whole number of at least 1")
    return Study(path.stem, str(tree["title"]), str(tree["question"]).strip(), str(tree["base"]),
                 _values(path, "values", tree.get("values")), seeds, data_sets, rows,
                 _steps(path, tree.get("steps") or [], rows), _method(path, tree.get("proposals")),
                 str(tree.get("folder", path.stem)), str(tree.get("pages", "docs/studies")), name)


def hides_bundled(study: Study) -> bool:
    """Returns whether a study of the user's own has the name of one that comes with the package."""
    own = study.word.endswith(".yaml") and Path(study.word).resolve().parent != FOLDER
    return own and study.name in study_names()


def with_sources(rows: Mapping[str, Row], wanted: Sequence[str]) -> List[str]:
    """Returns the names of rows and of those that they begin with, in the order of the study."""
    needed = set(wanted)
    for name in reversed(list(rows)):  # a source stands before the rows that begin with it
        if name in needed and rows[name].source is not None:
            needed.add(rows[name].source)
    return [name for name in rows if name in needed]


def choose(what: str, known: Mapping[str, Any], wanted: Optional[Sequence[str]]) -> List[str]:
    """Returns the names that are wanted, in the order of the study; all of them where none is named.

    Args:
        what: the option that names them, such as "--rows".
        known: those of the study.
        wanted: names, or None.

    Raises:
        UsageError: the study has no such name.
    """
    unknown = [name for name in wanted or () if name not in known]
    if unknown:
        raise UsageError(f"{what}: the study has no {', '.join(unknown)}; known: {', '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def _read(path: Path) -> Dict[str, Any]:
    try:
        tree = parse_yaml(read_regular(path).decode("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as YAML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    return _mapping(path, "the file", tree)


def _mapping(path: Path, what: str, tree: Any) -> Dict[str, Any]:
    if not isinstance(tree, dict) or not tree:
        raise UsageError(f"{path}: {what} must hold KEY: VALUE entries")
    # Directly beside each other in a path and in a key, so that no name may hold a slash or be hidden.
    for name in tree:
        if not isinstance(name, str) or "/" in name or name.startswith("."):
            raise UsageError(f"{path}: {name!r} in {what} is not a name")
    return tree


def _values(path: Path, what: str, entries: Any) -> Dict[str, Any]:
    """Returns configuration entries by key, checked."""
    if not isinstance(entries or {}, dict):
        raise UsageError(f"{path}, {what}: it must hold KEY: VALUE entries, got {entries!r}")
    try:
        return override_values(entries or {})
    except ConfigError as error:
        raise UsageError(f"{path}, {what}: {error}") from None


def _data_sets(path: Path, entries: Any) -> Dict[str, DataSet]:
    """Returns the data sets of a study. One that `data_sets.yaml` knows needs no values; those that the study gives are
    laid over."""
    common, found = _read(_DATA_SETS), {}
    for name, values in _mapping(path, "datasets", entries).items():
        entry = common.get(name, {})
        if not entry and not values:
            raise UsageError(f"{path}: the data set {name} has no values, and {_DATA_SETS.name} does not know it")
        found[name] = DataSet(name, entry.get("label", name), entry.get("about", ""), {
            **_values(_DATA_SETS, name, entry.get("values")), **_values(path, name, values)}, entry.get("test_on"))
    return found


def _row(path: Path, name: str, entry: Any, earlier: Mapping[str, Row]) -> Row:
    if not isinstance(entry, dict) or set(entry) - {"label", "values", *_KINDS}:
        raise UsageError(f"{path}: the row {name} may have the entries label, values, and one of {', '.join(_KINDS)}")
    kinds = [kind for kind in _KINDS if kind in entry]
    values, kind, source = _values(path, f"row {name}", entry.get("values")), TRAIN, None
    if kinds:
        kind, source = _KINDS[kinds[0]], entry[kinds[0]]
        if len(kinds) > 1 or not isinstance(source, str) or source not in earlier:
            raise UsageError(f"{path}: the row {name} may name one row by one of {', '.join(_KINDS)}, and it must "
                             "stand above it")
        if earlier[source].kind == TEST:
            raise UsageError(f"{path}: the row {name} begins with {source}, which is only tested and has no checkpoint")
        if earlier[source].kind == SVMS:
            raise UsageError(f"{path}: the row {name} begins with {source}, which has support vector machines in place "
                             f"of its softmax: name {earlier[source].source}")
        values = {**earlier[source].values, **values}
    return Row(name, str(entry.get("label", name)), values, kind, source)


def _method(path: Path, method: Any) -> Optional[str]:
    if method not in (None, *METHODS):
        raise UsageError(f"{path}: proposals is {method!r}; known: {', '.join(METHODS)}")
    return method


def _steps(path: Path, entries: Any, rows: Mapping[str, Row]) -> List[Step]:
    """Returns the claims; for the word "paper" those of the paper between rows of these names."""
    if entries == _PAPER:
        return [Step(step.before, step.row, f"{step.says} ({step.source})", step.sign, "AP") for step in read_steps()
                if step.before in rows and step.row in rows]
    if not isinstance(entries, list):
        raise UsageError(f"{path}: steps is {entries!r}; it must be a list, or the word {_PAPER}")
    return [_step(path, number, entry, rows) for number, entry in enumerate(entries, 1)]


def _step(path: Path, number: int, entry: Any, rows: Mapping[str, Row]) -> Step:
    place = f"{path}, step {number}"
    if not isinstance(entry, dict) or {"from", "to", "claim", "direction"} - set(entry):
        raise UsageError(f"{place}: it needs the entries from, to, claim and direction")
    unknown = [str(entry[end]) for end in ("from", "to") if not isinstance(entry[end], str) or entry[end] not in rows]
    if unknown:
        raise UsageError(f"{place}: there is no row {', '.join(unknown)}")
    metric, direction = entry.get("metric", "AP"), str(entry["direction"])
    if direction not in _SIGNS or metric not in METRICS:
        raise UsageError(f"{place}: direction is + or -, and metric one of {', '.join(METRICS)}")
    return Step(entry["from"], entry["to"], str(entry["claim"]), _SIGNS[direction], metric)
