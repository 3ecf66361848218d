"""The categories of COCO's format: which of them are classes, and in which order."""
import json
import mmap
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from ...errors import DataError
from ..assembling.meaning import as_class_name
from ..files.opening import open_regular
from .coco_ids import Id, IdTable, as_id
from .coco_json import Entry, load_coco_json

_BACKGROUND = "_background_"  # which labelme's converter declares and never uses
_WINDOW = 1 << 16  # bytes


class Category(NamedTuple):
    """A category as a file declares it.

    Attributes:
        id: its id.
        name: its name as text.
        parent: name of the category above it, its supercategory, or None.
    """

    id: Id
    name: str
    parent: Optional[str]


def read_categories(entries: Sequence[Any], file: str) -> List[Category]:
    """Reads the categories of a file, sorted by their id, numbers before texts.

    An entry without an id or a name is passed over: no annotation can be of it.

    Raises:
        DataError: two categories with different names have one id.
    """
    categories: Dict[Id, Category] = {}
    for entry in entries:
        entry = entry if isinstance(entry, dict) else {}
        one = Category(as_id(entry.get("id")), as_class_name(entry.get("name")),
                       as_class_name(entry.get("supercategory")))
        if one.id is None or one.name is None:
            continue
        if categories.setdefault(one.id, one).name != one.name:
            raise DataError(f"{file}: the categories {categories[one.id].name!r} and {one.name!r} have one id, "
                            f"{one.id!r}, so that their boxes cannot be told apart")
    return sorted(categories.values(), key=_order)


def possible_roots(categories: Sequence[Category]) -> List[Category]:
    """Returns the categories that are no classes if no annotation is of them.

    They are the parents of other categories, such as the one with the project's name in files of Roboflow, and
    labelme's background.
    """
    return [one for one in categories if one.name == _BACKGROUND or one.parent != one.name and any(
        other.parent == one.name for other in categories if other.id != one.id)]


def class_categories(categories: Sequence[Category], used: Iterable[Id]) -> List[Category]:
    """Returns the categories that are classes, in their order; those whose ids are `used` are, whatever they are."""
    no_classes = {one.id for one in possible_roots(categories)} - set(used)
    return [one for one in categories if one.id not in no_classes]


def class_names(files: Sequence[Sequence[Category]]) -> List[str]:
    """Returns the names of the classes of several files, by the least id that a name has in any of them."""
    first: Dict[str, Category] = {}
    for one in (one for categories in files for one in categories):
        if one.name not in first or _order(one) < _order(first[one.name]):
            first[one.name] = one
    return [one.name for one in sorted(first.values(), key=_order)]


def scan_categories(file: str) -> Tuple[List[Category], Set[Id]]:
    """Finds the categories of a file without reading all of it.

    Returns:
        The categories, and the ids of those that an annotation uses, at least where they are `possible_roots`.

    Raises:
        DataError: see `load_coco_json` and `read_categories`.
    """
    with open_regular(file) as stream:
        if not stream.read(1):
            return [], set()
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            entries = _scan_list(data)
            if entries is not None:
                categories = read_categories(entries, file)
                return categories, {one.id for one in possible_roots(categories) if _is_used(data, one.id)}
    content = load_coco_json(file)
    entries, annotations = content.get("categories"), content.get("annotations")
    categories: IdTable[Category] = IdTable()
    for one in read_categories(entries if isinstance(entries, list) else (), file):
        categories.add(one.id, one)
    used = {categories.find(one.category_id) for one in (annotations if isinstance(annotations, list) else ())
            if isinstance(one, Entry)}
    return list(categories.values.values()), {one.id for one in used if one is not None}


def _scan_list(data: mmap.mmap) -> Optional[List[Any]]:
    """Returns the only list "categories" in the bytes of a file; None if there is another number, or another encoding.
    """
    found = [match.end() for match in re.finditer(rb'"categories"\s*:\s*', data)]
    if len(found) != 1:
        return None
    size = _WINDOW
    while True:
        window = data[found[0]:found[0] + size]
        try:
            entries, _ = json.JSONDecoder().raw_decode(window.decode("utf-8", "ignore"))
            return entries if isinstance(entries, list) else None
        except (ValueError, RecursionError):
            if len(window) < size:
                return None
        size *= 8


def _is_used(data: mmap.mmap, one: Id) -> bool:
    return re.search(rb'"category_id"\s*:\s*"?' + re.escape(str(one)).encode() + rb'(\.0*)?"?\s*[,}]', data) is not None


def _order(category: Category) -> Tuple[Any, ...]:
    """Ids that are texts, which COCO itself does not have, come after the numbers."""
    return isinstance(category.id, str), category.id, category.name
