"""The code of docs/api.md runs from top to bottom, as a reader would type it."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import light_head_rcnn as lh
from light_head_rcnn import data

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"


def test_every_public_name_stands_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in lh.__all__ if f"lh.{name}" not in text] == ["__version__"]
    assert all(getattr(lh, name).__doc__ for name in lh.__all__) and set(lh.__all__) <= set(dir(lh))


@pytest.mark.slow
def test_the_page_runs(tmp_path):
    data.write_shapes(tmp_path / "output" / "shapes", train=8, val=4)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 9
    (tmp_path / "page.py").write_text("\n\n".join(blocks), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-W", "ignore", "page.py"], cwd=tmp_path, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert done.returncode == 0, done.stdout[-3000:]
    made = {path.name for path in (tmp_path / "output" / "short").rglob("*")}
    assert {"picture.png", "shapes-meta.json", "train.log"} <= made
