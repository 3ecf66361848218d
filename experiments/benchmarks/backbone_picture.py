"""The picture of the benchmark of backbones: time against multiply-adds."""
import re
from typing import Any, Dict, List, Mapping, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from ...engine.files import atomic_write


def plot_times(rows: Sequence[Mapping[str, Any]], path: str) -> None:
    """Plots the time of every backbone against its multiply-adds, a panel for each form, a colour for each family.

    Args:
        rows: from `backbones.measure`.
        path: PNG to write.
    """
    forms = list(dict.fromkeys(row["form"] for row in rows))
    figure = Figure(figsize=(8 * len(forms), 7), layout="constrained")
    FigureCanvasAgg(figure)
    labels: List[List[Annotation]] = []
    families = list(dict.fromkeys(family_of(row["backbone"]) for row in rows))
    colours = {family: f"C{number}" for number, family in enumerate(families)}
    for panel, form in zip(figure.subplots(1, len(forms), squeeze=False)[0], forms):
        of_form = [row for row in rows if row["form"] == form]
        for family, members in _by_family(of_form).items():
            panel.plot([row["multiply_adds"] / 1e9 for row in members], [row["time"]["median"] for row in members],
                       "o", color=colours[family], label=family)
        labels.append([panel.annotate(row["backbone"], (row["multiply_adds"] / 1e9, row["time"]["median"]), (4, 3),
                                      textcoords="offset points", fontsize=6,
                                      color=colours[family_of(row["backbone"])]) for row in of_form])
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.margins(x=0.15)
        panel.set_xlabel("multiply-adds of an image, G")
        panel.set_ylabel("milliseconds of an image")
        panel.set_title(f"{form}, {'x'.join(map(str, of_form[0]['size']))}", fontsize="medium")
        panel.grid(alpha=0.3)
        panel.legend(fontsize="small")
    figure.draw_without_rendering()  # only then are the places of the labels known
    for of_panel in labels:
        _hide_overlapping(of_panel)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def family_of(name: str) -> str:
    """Returns the family of a backbone: "vovnetv2", "res2net" and so on, or its name up to the first digit."""
    return re.match(r"vovnetv2|res2net|[^\d_]+", name).group()


def _hide_overlapping(labels: Sequence[Annotation]) -> None:
    """Hides each label that would cover an earlier one."""
    shown: List[Bbox] = []
    for label in labels:
        place = label.get_window_extent()
        label.set_visible(not any(place.overlaps(other) for other in shown))
        if label.get_visible():
            shown.append(place)


def _by_family(rows: Sequence[Mapping[str, Any]]) -> Dict[str, List[Mapping[str, Any]]]:
    families: Dict[str, List[Mapping[str, Any]]] = {}
    for row in rows:
        families.setdefault(family_of(row["backbone"]), []).append(row)
    return families
