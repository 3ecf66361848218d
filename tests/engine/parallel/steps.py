"""A few steps of a training by one of several processes, or by one process with as many devices; a script.

Arguments: a JSON file with the configuration as KEY, VALUE, ...; the file for the weights; kvstore, horovod, or the
number of devices of a training by one process; the number of steps.
"""
import itertools
import json
import logging
import sys
from pathlib import Path

import light_head_rcnn  # noqa: F401  (before MXNet)
import mxnet as mx
import numpy as np

from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.inference.dataset_detections import detect_dataset
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.parallel.group import ALONE
from light_head_rcnn.engine.parallel.joining import join_group
from light_head_rcnn.engine.training.run import TrainingRun


def main(config, weights, way, steps):
    """Makes the steps; rank 0 writes the weights, the statistics and the detections of a test."""
    words = json.loads(Path(config).read_text(encoding="utf-8"))
    cfg = load_config(words[0], words[1:])
    group = ALONE if way.isdecimal() else join_group(cfg, horovod=way == "horovod")
    contexts = [mx.cpu(number) for number in range(1 if group.is_joined else int(way))]
    run = TrainingRun(cfg, contexts, logging.getLogger("steps"), group=group)
    trainer = run.trainer
    for batch in itertools.islice(trainer.loader.epoch(0), int(steps)):
        metrics, _ = trainer.train_step(batch)
    trainer.objective.share_statistics(group)
    arrays = {name: array.asnumpy() for name, array in trainer.objective.parameters().items()}
    detector = Detector.of(cfg, run.net, contexts[:1])
    found = detect_dataset(detector, run.test_set, cfg.TEST.BATCH_IMAGES, group=group).detections
    if group.is_first:
        detections = {f"detections/{number}/{name}": array for number, one in enumerate(found)
                      for name, array in zip(one._fields, one)}
        np.savez(weights, **arrays, **detections, loss=metrics["loss"])
    group.leave(0, True)


if __name__ == "__main__":
    main(*sys.argv[1:])
