"""Fixtures for the tests of reports."""
import logging

import pytest


@pytest.fixture(autouse=True)
def restore_logger():
    yield
    logger = logging.getLogger("light_head_rcnn")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
