"""Configurations of a model."""
import pytest

from light_head_rcnn.engine.config import load_config


@pytest.fixture
def configure_model(tmp_path):
    """Function from the name of a model and overrides to a configuration."""
    def load(model, *overrides):
        (tmp_path / "cfg.yaml").write_text(f"network: {{model: {model}}}")
        return load_config(tmp_path / "cfg.yaml", overrides)
    return load
