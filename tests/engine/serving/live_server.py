"""Runs a server with played workers: its argument is the settings as JSON."""
import json
import logging
import os
import sys
from pathlib import Path

from light_head_rcnn.engine.serving.server import serve
from light_head_rcnn.engine.serving.settings import Settings

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
    worker = str(Path(__file__).with_name("fake_worker.py"))
    os._exit(serve(Settings(**{"model": "", "port": 0, **json.loads(sys.argv[1])}), (sys.executable, worker),
                   lambda address: logging.info("on %s", address)))
