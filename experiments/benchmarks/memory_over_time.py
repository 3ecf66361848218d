"""Memory of a process over many training steps, or many detections, of changing sizes: does it stay flat?

A training of the embedded data set at several sizes, jittered; and a detector, trained or exported, on images whose
sizes and shapes are drawn anew each time. The second half of each run is what counts: MXNet and the engines keep what
each new size needs, up to a bound, and that is reached in the first half::

    python -m light_head_rcnn.experiments.benchmarks.memory_over_time training --count 2000 dataset.dataset_path=shapes
    python -m light_head_rcnn.experiments.benchmarks.memory_over_time detections --count 10000 --model output/shapes_s
    python -m light_head_rcnn.experiments.benchmarks.memory_over_time detections --model exported --engine onnxruntime
"""
import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...engine.files import write_json
from ...engine.training.hook import Hook, RunningTrainer, StepReport
from ...process_memory import peak_megabytes, resident_megabytes, workers_megabytes
from .machine import describe_machine

_POINTS = 20  # how often the memory is looked at
_TRAINING = ("TRAIN.SCALES=[[64,96],[80,112],[96,128]]", "TRAIN.SCALE_JITTER=[0.75,1.25]", "TRAIN.BATCH_IMAGES=1",
             "dataset.test_image_set=", "TRAIN.NUM_WORKERS=2", "default.frequent=1000")
_SIDES = (64, 256)  # least and largest side of an image to detect in


class Point(NamedTuple):
    """What a process has in use after so many steps or detections, in 2**20 bytes."""

    count: int
    resident: float
    workers: float
    sizes: int  # how many different sizes there were so far


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints a table, and how much the memory grew in the second half.

    Args:
        argv: the words of the command line; default: those of this process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["training", "detections"])
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="of the configuration that is trained")
    parser.add_argument("--count", type=int, default=2000, metavar="N", help="steps or detections (default: 2000)")
    parser.add_argument("--cfg", default="shapes_s", metavar="FILE", help="what is trained (default: shapes_s)")
    parser.add_argument("--model", metavar="PATH", help="what detects, see load_detector")
    parser.add_argument("--engine", metavar="NAME", help="the engine of an export")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    args = parser.parse_intermixed_args(argv)
    if args.what == "detections" and not args.model:
        parser.error("detections needs --model PATH")
    began = time.monotonic()
    print(f"{'after':>8} {'sizes':>6} {'MB':>8} {'MB of workers':>14}", flush=True)
    if args.what == "training":
        points = training_points(args.cfg, args.overrides, args.count)
    else:
        points = detection_points(args.model, args.engine, args.count)
    result: Dict[str, Any] = {"points": [point._asdict() for point in points], "growth": growth(points),
                              "peak": peak_megabytes(), "seconds": time.monotonic() - began,
                              "machine": describe_machine()}
    print(f"growth over the second half: {result['growth']:+.1f} MB a thousand; {result['seconds']:.0f} s")
    if args.json:
        write_json(args.json, result)
    return 0


class MemoryHook(Hook):
    """Looks at the memory every now and then, and ends the training after so many steps.

    Args:
        count: steps.

    Attributes:
        points: what was seen.
    """

    def __init__(self, count: int):
        self._count, self.points = count, []
        self._sizes = set()

    def look_at(self, batch: Sequence[np.ndarray]) -> None:
        """Takes note of the size of a batch."""
        self._sizes.add(batch[0].shape)

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        if report.step % max(self._count // _POINTS, 1) == 0:
            self.points.append(look(report.step, len(self._sizes)))
        if report.step >= self._count:
            trainer.stop("enough for the measurement")


def training_points(cfg: str, overrides: Sequence[str], count: int) -> List[Point]:
    """Trains for so many steps at changing sizes, as `lhrcnn train` does.

    Args:
        cfg: name or file of a configuration.
        overrides: KEY=VALUE.
        count: steps.
    """
    import mxnet as mx

    from ...engine.config import load_config
    from ...engine.reporting.logger import open_logger
    from ...engine.training.allocator import keep_freed_memory
    from ...engine.training.run import TrainingRun
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        words = [*_TRAINING, f"output_path={folder}", f"TRAIN.end_epoch={count}", *overrides]
        run = TrainingRun(load_config(cfg, words), [mx.cpu()], open_logger())
        hook, train_step = MemoryHook(count), run.trainer.train_step

        def step(batch: Sequence[np.ndarray]) -> Tuple[Dict[str, float], float]:
            hook.look_at(batch)
            return train_step(batch)
        run.trainer.train_step = step
        run.trainer.hooks.append(hook)
        run.run()
    return hook.points


def detection_points(model: str, engine: Optional[str], count: int) -> List[Point]:
    """Detects in so many images of noise, of changing sizes.

    Args:
        model, engine: see `load_detector`.
        count: images.
    """
    from ...engine.deploy.detectors import load_detector
    detector = load_detector(Path(model), engine=engine)
    random, points, sizes = np.random.RandomState(0), [], set()
    for number in range(1, count + 1):
        height, width = random.randint(_SIDES[0], _SIDES[1] + 1, 2)
        sizes.add(detector.preparation.network_input(np.zeros((height, width, 3), np.uint8), 0)[0].shape)
        detector(random.randint(0, 256, (height, width, 3)).astype(np.uint8))
        if number % max(count // _POINTS, 1) == 0:
            points.append(look(number, len(sizes)))
    return points


def look(count: int, sizes: int) -> Point:
    """Looks at the memory after so many steps or detections of so many sizes, and prints it."""
    point = Point(count, resident_megabytes(), workers_megabytes(), sizes)
    print(f"{point.count:>8} {point.sizes:>6} {point.resident:>8.0f} {point.workers:>14.0f}", flush=True)
    return point


def growth(points: Sequence[Point]) -> float:
    """Returns by how many megabytes the memory grew for each thousand steps in the second half, by least squares."""
    half = [point for point in points if point.count > points[-1].count / 2]
    if len(half) < 2:
        return 0.0
    return 1000 * float(np.polyfit([point.count for point in half], [point.resident for point in half], 1)[0])


if __name__ == "__main__":
    sys.exit(main())
