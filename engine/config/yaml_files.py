"""Reading of YAML files: those of the user, those that come with the package, and those that they inherit from."""
import difflib
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import yaml

from ...data.files.opening import open_regular
from ...data.files.yaml_text import MOST_CHARACTERS, compose, construct
from ...errors import ConfigError
from .checking import flatten_known
from .keys import KEYS
from .kinds import NAMES

# The configurations that come with the package.
BUNDLED = Path(__file__).resolve().parents[2] / "experiments" / "cfgs"
BASE = "_BASE_"


def bundled_names() -> List[str]:
    """Returns the names of the configurations that come with the package, such as "shapes_s" and "paper/b1", sorted."""
    return sorted(path.relative_to(BUNDLED).with_suffix("").as_posix() for path in BUNDLED.rglob("*.yaml"))


def find_file(path: Union[str, Path], folder: Path = Path()) -> Path:
    """Returns the file that a path, or the name of a bundled configuration, stands for.

    Args:
        path: of a file, or a name such as "shapes_s", "shapes_s.yaml" or "paper/b1" where there is no such file.
        folder: what a relative path starts from; default: the working directory.

    Raises:
        ConfigError: there is no such file; the message lists the bundled configurations with similar names.
    """
    path = Path(path)
    own = folder / path
    if own.is_file():
        return own
    if not path.is_absolute() and ".." not in path.parts:
        for bundled in (BUNDLED / path, BUNDLED / f"{path}.yaml"):
            if bundled.is_file():
                return bundled
    if own.is_dir():
        raise ConfigError(f"{own} is a folder; name a YAML file in it")
    if own.exists():
        return own
    raise ConfigError(f"configuration file {own} does not exist, and no configuration of that name comes with the "
                      f"package; {_similar(path)}")


def _similar(path: Path) -> str:
    names = bundled_names()
    by_stem = {name.rpartition("/")[2]: name for name in names}
    near = difflib.get_close_matches(path.stem, by_stem, n=4, cutoff=0.5)
    if near:
        return f"the most similar names are {', '.join(by_stem[stem] for stem in near)}"
    return f"those are {', '.join(names)}"


def read_chain(path: Path) -> List[Tuple[Path, Dict[str, Any]]]:
    """Reads a file and those that it inherits from by its entry `_BASE_`.

    Returns:
        The files, the one that inherits from none first, each with its values by key. Keys are known ones; values are
        not yet checked.

    Raises:
        ConfigError: a file that cannot be read, an unknown key, or files that inherit from each other.
    """
    chain, seen = [], []
    while True:
        if path.resolve() in seen:
            raise ConfigError(f"{path}: {BASE} leads back to a file that inherits from it")
        seen.append(path.resolve())
        tree = _read(path, may_be_a_pipe=not chain)
        base = tree.pop(BASE, None)
        chain.insert(0, (path, flatten_known(path, tree)))
        if base is None:
            return chain
        if not isinstance(base, str):
            raise ConfigError(f"{path}: {BASE} must name one YAML file, got {base!r}")
        try:
            path = find_file(base, path.parent)
        except ConfigError as error:
            raise ConfigError(f"{path}: {BASE}: {error}") from None


def _read(path: Path, may_be_a_pipe: bool) -> Dict[str, Any]:
    try:
        text = _content(path, may_be_a_pipe).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text in UTF-8, so it is no YAML file: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    if "\0" in text:
        raise ConfigError(f"{path} is binary, not a YAML file")
    try:
        loader = yaml.SafeLoader(text)
        node = compose(loader, text)
        _reject_repeated(path, node)
        _keep_names(node)
        tree = construct(loader, node)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} cannot be read as YAML: {_explain(text, error)}") from None
    if tree is None:
        raise ConfigError(f"{path} is empty: a configuration holds KEY: VALUE entries")
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold KEY: VALUE entries, got {type(tree).__name__}")
    return tree


def _content(path: Path, may_be_a_pipe: bool) -> bytes:
    """The bytes of a file, as far as a configuration may go; of a pipe, too, where a user names it, not a file."""
    with open(path, "rb") if may_be_a_pipe else open_regular(path) as file:
        return file.read(4 * MOST_CHARACTERS + 1)


def _reject_repeated(path: Path, node: Optional[yaml.Node]) -> None:
    """Raises ConfigError where a name stands twice in one section; PyYAML would silently take the last.

    A line that is only repeated, with the same value, is let pass: files of forks of the MXNet original have such.
    """
    sections: List[Tuple[str, Optional[yaml.Node]]] = [("", node)]
    visited = set()  # an alias may lead back to the section that it is in
    while sections:
        section, node = sections.pop()
        if not isinstance(node, yaml.MappingNode) or id(node) in visited:
            continue
        visited.add(id(node))
        seen: Dict[str, Tuple[yaml.Node, yaml.Node]] = {}
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                continue
            first_name, first = seen.setdefault(name.value, (name, value))
            is_same_line = isinstance(value, yaml.ScalarNode) and (first.tag, first.value) == (value.tag, value.value)
            if first_name is not name and not is_same_line:
                lines = " and ".join(str(place.start_mark.line + 1) for place in (first_name, name))
                advice = "join the two" if isinstance(value, yaml.MappingNode) else "leave one of them"
                raise ConfigError(f"{path}: {section}{name.value} stands twice, in lines {lines}: {advice}")
            sections.append((f"{section}{name.value}.", value))


def _keep_names(node: Optional[yaml.Node]) -> None:
    """Makes texts of the entries of lists of names: a class may be called 9, no or null."""
    for key in KEYS.values():
        place = node
        for name in key.name.split(".") if key.kind is NAMES else ():
            entries = place.value if isinstance(place, yaml.MappingNode) else ()
            place = next((value for entry, value in entries if entry.value == name), None)
        if key.kind is NAMES and isinstance(place, yaml.SequenceNode):
            for item in place.value:
                if isinstance(item, yaml.ScalarNode):
                    item.tag = "tag:yaml.org,2002:str"


def _explain(text: str, error: yaml.YAMLError) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line[:len(line) - len(line.lstrip())]:
            return f"line {number} is indented by a tab; YAML allows only spaces there"
    return str(error)
