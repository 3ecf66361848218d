"""Figures of image sets as tables for people."""
from typing import Callable, List, Mapping, Sequence, Tuple

from .statistics import LARGE_FROM, SMALL_UNDER, SetStatistics, Spread

_MOST_CLASSES = 100  # in a table
_LONGEST_NAME = 40


def sets_table(sets: Mapping[str, SetStatistics]) -> str:
    """Returns a table with a column for each image set and a row for each figure.

    Args:
        sets: figures by the name of the set.
    """
    def plain(key: str) -> Callable[[SetStatistics], str]:
        return lambda figures: str(getattr(figures, key))

    def spread(key: str, digits: int = 0) -> Callable[[SetStatistics], str]:
        return lambda figures: _spread(getattr(figures, key), digits)

    def sizes(figures: SetStatistics) -> str:
        counts = figures.small, figures.medium, figures.large
        return " / ".join(f"{100 * count / max(figures.boxes, 1):.0f} %" for count in counts)

    marks = [key for key in ("crowd", "difficult", "ignored") if any(getattr(one, key) for one in sets.values())]
    regions = [("places without known labels", plain("regions"))] if any(one.regions for one in sets.values()) else []
    rows: List[Tuple[str, Callable[[SetStatistics], str]]] = [
        ("images", plain("images")),
        ("  without boxes", plain("images_without_boxes")),
        ("boxes", plain("boxes")),
        *[(f"  {key}", plain(key)) for key in marks],
        *regions,
        ("boxes in an image *", spread("boxes_per_image", 1)),
        ("image width *", spread("width")),
        ("image height *", spread("height")),
        ("width : height *", spread("aspect", 2)),
        ("box width *", spread("box_width")),
        ("box height *", spread("box_height")),
        ("small / medium / large boxes **", sizes)]
    cells = [["", *sets], *[[label, *[value(figures) for figures in sets.values()]] for label, value in rows]]
    return _table(cells) + (
        "\n*  least / median / most, in pixels where it is a length"
        f"\n** small: under {100 * SMALL_UNDER:.0f} % of the image's size (the root of the area), large: from "
        f"{100 * LARGE_FROM:.0f} % on")


def classes_table(sets: Mapping[str, SetStatistics], classes: Sequence[str]) -> str:
    """Returns a table with a row for each class: its boxes in each set, and in how many images they are.

    Args:
        sets: figures by the name of the set.
        classes: names of the classes by id.
    """
    cells = [["class", *[f"{name}: boxes (images)" for name in sets]]]
    for index, name in enumerate(classes[:_MOST_CLASSES]):
        short = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME - 1] + "…"
        cells.append([short, *[f"{figures.boxes_of_class[index]} ({figures.images_of_class[index]})"
                               for figures in sets.values()]])
    more = len(classes) - _MOST_CLASSES
    return _table(cells) + (f"\nand {more} more classes" if more > 0 else "")


def _spread(values: Spread, digits: int) -> str:
    return " / ".join(f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}" for value in values)


def _table(cells: Sequence[Sequence[str]]) -> str:
    """Returns rows of texts as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = [[row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))]
             for row in cells]
    return "\n".join("  ".join(line).rstrip() for line in lines)
