"""The original MXNet port's parameters, read off its graph of Light-Head R-CNN on ResNet-101 for COCO."""
import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def port():
    """{parameter: (shape, multiplier of the learning rate)}, 12 anchors and 81 classes."""
    rows = json.loads((Path(__file__).parent / "port_parameters.json").read_text())
    return {name: (tuple(shape), lr_mult) for name, (shape, lr_mult) in rows.items()}
