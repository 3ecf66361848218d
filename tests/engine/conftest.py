"""A configuration that trains the symbolic graph of setting S on a handful of small images."""
import logging

import pytest


@pytest.fixture(scope="session")
def configure(configuring, tmp_path_factory):
    """Function from the name of a run and KEY, VALUE, ... to a configuration with a folder of its own."""
    return configuring(tmp_path_factory.mktemp("runs"),
                       "symbol: xception_rfcn_light\nnetwork: {PIXEL_STDS: [57, 57, 57]}\n")


@pytest.fixture(scope="session")
def logger():
    return logging.getLogger("test")
