"""The program of a worker process: `python -m light_head_rcnn.engine.serving.worker_main FILE_NUMBER`."""
from .detection import load
from .worker import main

if __name__ == "__main__":
    main(load)
