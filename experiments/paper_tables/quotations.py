"""The figures that others published, read from `quotations.yaml`, the only file that holds them."""
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Union

import yaml

FILE = Path(__file__).with_name("quotations.yaml")
FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "FPS", "multiply_adds")
_TEXTS = ("method", "backbone", "size", "beside", "source")


class Quotation(NamedTuple):
    """One line of a published table.

    Attributes:
        table: number of the paper's table that shows it here.
        method, backbone: as the source calls them.
        size: shorter and longer edge of the input, such as "800/1200"; None where the source does not tell.
        beside: name of this project's row that it is set beside, or None.
        figures: by name, of `FIGURES`; AP and its parts in percent, FPS in images a second.
        source: where it was read, in words.
    """

    table: int
    method: str
    backbone: str
    size: Optional[str]
    beside: Optional[str]
    figures: Dict[str, float]
    source: str


class Step(NamedTuple):
    """What a source says of a row of the ablation, compared with an earlier row.

    Attributes:
        row, before: names of the two rows.
        sign: of the change of AP, 1 or -1.
        says, source: the change and where it was read, in words.
    """

    row: str
    before: str
    sign: int
    says: str
    source: str


def read_steps() -> List[Step]:
    """Returns the steps of the ablation, in its order."""
    tree = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Step(**dict(line, source=tree["sources"][line["source"]])) for line in tree["steps"]]


def read_quotations(path: Union[str, Path] = FILE) -> List[Quotation]:
    """Returns all quotations, in the order of the file.

    Raises:
        ValueError: a line has no source, no figure or an unknown entry; the message names the file and the line.
    """
    tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    found = []
    for table, lines in tree["tables"].items():
        for line in lines:
            place = f"{path}, table {table}, {line.get('method')}"
            figures = {name: line[name] for name in FIGURES if name in line}
            unknown = set(line) - set(FIGURES) - set(_TEXTS)
            if unknown:
                raise ValueError(f"{place}: unknown entry {', '.join(sorted(unknown))}")
            if not figures:
                raise ValueError(f"{place}: no figure")
            if line.get("source") not in tree["sources"]:
                raise ValueError(f"{place}: its source must be one of {', '.join(tree['sources'])}")
            found.append(Quotation(table, line["method"], line["backbone"], line.get("size"), line.get("beside"),
                                   figures, tree["sources"][line["source"]]))
    return found
