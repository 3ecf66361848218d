"""The page on backbones names all of them, and their parameters and settings."""
import math
import re
from pathlib import Path

import pytest

from light_head_rcnn.gluon_models import backbone_names
from light_head_rcnn.gluon_models.registry import BACKBONES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "backbones.md"
ROWS = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.M)


def test_every_backbone_stands_on_the_page_once():
    assert sorted(name for names, _, _ in ROWS for name in re.findall(r"`(.*?)`", names)) == backbone_names()


@pytest.mark.parametrize("names, parameters, settings", ROWS)
def test_parameters_and_settings(build_backbone, names, parameters, settings):
    names, settings = re.findall(r"`(.*?)`", names), settings.split(", ")
    counted = []
    for name in names:
        shapes = [p.shape for key, p in build_backbone(name, classes=1000).collect_params().items()
                  if "_moving_" not in key]
        counted.append(f"{sum(map(math.prod, shapes)) / 1e6:.2f}M")
    assert list(dict.fromkeys(counted)) == parameters.split(", ")
    assert [BACKBONES.get(name).setting for name in names] == settings * (len(names) if len(settings) == 1 else 1)
