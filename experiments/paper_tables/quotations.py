"""Figures that others published, from `quotations.yaml`, the only place that holds them."""
from pathlib import Path
from typing import NamedTuple, Optional

import yaml

FILE = Path(__file__).with_name("quotations.yaml")
FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "FPS", "multiply_adds")
_TEXTS = ("method", "backbone", "size", "beside", "source")


class Quotation(NamedTuple):
    """One line of a published table.

    beside: name of this project's row that it is set beside, or None.
    figures: by name, of `FIGURES`; AP and its parts in percent.
    source: where it was read, words.
    """

    table: int
    method: str
    backbone: str
    size: Optional[str]
    beside: Optional[str]
    figures: dict
    source: str


class Step(NamedTuple):
    """What the paper says of a row of its ablation against the one before.

    sign: of the change of AP. says, source: words.
    """

    row: str
    before: str
    sign: int
    says: str
    source: str


def steps():
    """The steps of the ablation, in its order."""
    tree = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Step(**dict(line, source=tree["sources"][line["source"]])) for line in tree["steps"]]


def quotations(path=FILE):
    """All of them, in the order of the file.

    Raises ValueError naming the file and the line without a source, without a figure or with an unknown entry.
    """
    tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    found = []
    for table, lines in tree["tables"].items():
        for line in lines:
            place = "%s, table %s, %s" % (path, table, line.get("method"))
            figures = {name: line[name] for name in FIGURES if name in line}
            unknown = set(line) - set(FIGURES) - set(_TEXTS)
            if unknown or not figures:
                raise ValueError("%s: %s" % (place, "unknown entry " + ", ".join(sorted(unknown)) if unknown
                                             else "no figure"))
            if line.get("source") not in tree["sources"]:
                raise ValueError("%s: its source must be one of %s" % (place, ", ".join(tree["sources"])))
            found.append(Quotation(table, line["method"], line["backbone"], line.get("size"), line.get("beside"),
                                   figures, tree["sources"][line["source"]]))
    return found
