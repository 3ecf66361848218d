"""Fixtures for the tests of reports."""
import logging

import pytest


@pytest.fixture(autouse=True)
def restore_logger():
    """Takes back what `open_logger` did to the package's logger, which is one for the whole process."""
    logger = logging.getLogger("light_head_rcnn")
    propagate, level = logger.propagate, logger.level
    yield
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = propagate
    logger.setLevel(level)
