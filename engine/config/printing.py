"""The table of keys, and the values of a configuration, as text for people."""
import textwrap
from pathlib import Path
from typing import Any, Dict, List, Mapping

import yaml
from yacs.config import CfgNode

from .key import Key
from .keys import KEYS
from .loading import COUNTED
from .tree import as_lists, flatten

_WIDTH = 100
_SECTIONS = {
    "": "Without a section", "default": "default: logs and devices", "network": "network: the model and its inputs",
    "dataset": "dataset: images and annotations", "TRAIN": "TRAIN: training",
    "TRAIN.ALTERNATE": "TRAIN.ALTERNATE: training in stages", "TEST": "TEST: tests, detection and export"}
_MARKDOWN_HEAD = """\
# Configuration

This page is the output of `lhrcnn config --markdown`. The same table checks every configuration that is loaded.

A configuration is a YAML file with the key names of the MXNet original, whose own files load unchanged. `--cfg` takes
the path of a file, or the name of one that comes with the package, such as `shapes_s` or `paper/b1`. A file inherits
from another one by `_BASE_: other.yaml`, a path relative to the file, or such a name. Overrides on the command line
come last, written `KEY VALUE` or `KEY=VALUE`; from Python they may be a dict:

```python
import light_head_rcnn as lh

cfg = lh.load_config("bccd_s", {"TRAIN.lr": 0.0001, "dataset.dataset_path": "data/bccd"})
```

Pairs and lists are written `[600, 1000]`, or without brackets, `600,1000`. `lhrcnn config --cfg FILE KEY=VALUE` prints
all values of a configuration and where each is from; the output can be used as a configuration file.

The column "notes" has these words:

- **only**: the MXNet original knows other values; this package implements only this one and refuses the others.
- **not read**: files of the MXNet original have the key, but nothing in this package reads it. A value other than the
  default gives a warning.
- **resume**: a resumed training (`lhrcnn train --resume`) may change it, because it does not change what a training
  step computes.
- **weights**: trained weights are of use only with the value that they were trained with; other values are refused when
  a checkpoint is loaded.
"""


def table_text() -> str:
    """Returns the table of keys as text: key, default and kind, bounds, meaning."""
    lines: List[str] = []
    for section, keys in _by_section().items():
        title = _SECTIONS[section]
        lines += [title, "=" * len(title), ""]
        for key in keys:
            lines += [key.name, f"    {_kind(key)}; default: {yaml_text(key.default)}"]
            lines.append(textwrap.indent(textwrap.fill(key.meaning.replace("`", ""), _WIDTH), "    "))
            lines += [f"    ({', '.join(_flags(key))})"] if _flags(key) else []
            lines.append("")
    return "\n".join(lines)


def table_markdown() -> str:
    """Returns the table of keys as a page in Markdown, with an introduction: docs/configuration.md."""
    lines = [_MARKDOWN_HEAD]
    for section, keys in _by_section().items():
        lines += [f"## {_SECTIONS[section]}", "", "| key | kind | default | meaning | notes |", "|---|---|---|---|---|"]
        lines += [f"| `{key.name}` | {_kind(key)} | `{yaml_text(key.default)}` | {key.meaning} | "
                  f"{', '.join(_flags(key))} |" for key in keys]
        lines.append("")
    return "\n".join(lines)


def values_text(cfg: CfgNode, sources: Mapping[str, str]) -> str:
    """Returns all values of a configuration as YAML, each line with a comment that says where the value is from.

    Args:
        cfg, sources: from `load_with_sources`.
    """
    lines: List[str] = []
    opened: List[str] = []
    for name, value in flatten(cfg).items():
        *sections, leaf = name.split(".")
        for depth, section in enumerate(sections):
            if opened[:depth + 1] != sections[:depth + 1]:
                lines.append(f"{'  ' * depth}{section}:")
                opened = sections[:depth + 1]
        opened = sections
        comment = _short(sources[name])
        if comment == COUNTED:
            # 0, which counts again, stays right where the classes or the anchors are changed later.
            comment, value = f"{COUNTED}: {value}", 0
        lines.append(f"{'  ' * len(sections)}{leaf}: {yaml_text(value)}  # {comment}")
    return "\n".join(lines) + "\n"


def yaml_text(value: Any) -> str:
    """Returns a value as one line of YAML, such as [600, 1000], true or '0,1'."""
    text = yaml.safe_dump(as_lists(value), default_flow_style=True, width=10 ** 6)
    return text.replace("\n...\n", "").strip()


def _short(path: str) -> str:
    """Returns a path relative to the working directory where it lies below it."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return path


def _by_section() -> Dict[str, List[Key]]:
    sections: Dict[str, List[Key]] = {}
    for key in KEYS.values():
        sections.setdefault(key.section, []).append(key)
    return sections


def _kind(key: Key) -> str:
    return key.kind.wanted if key.bounds is None else f"{key.kind.wanted}, {key.bounds}"


def _flags(key: Key) -> List[str]:
    flags = [f"only {yaml_text(value)}" for value in key.implemented]
    flags += ["not read"] * key.unread + ["resume"] * (key.free_on_resume and not key.unread)
    return flags + ["weights"] * key.bound_to_weights
