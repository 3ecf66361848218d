"""Backbones by name."""
import pytest

from light_head_rcnn.gluon_models import registry


@pytest.fixture(scope="session")
def build_backbone():
    """Function of a registered name and of `outputs`, `output_stride`, `classes` and so on that gives the network."""
    def build(name, **options):
        return registry.BACKBONES.get(name).build(**options)

    return build
