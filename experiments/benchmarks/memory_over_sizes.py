"""Memory and time of a detector over many input sizes, for several bounds of MXNet's cache of oneDNN primitives.

Each bound, a value of MXNET_MKLDNN_CACHE_NUM, gets a process of its own, which runs one image of every size, or one
training step, and then the same sizes again::

    python -m light_head_rcnn.experiments.benchmarks.memory_over_sizes --sizes 200 --bounds -1 0 64
    python -m light_head_rcnn.experiments.benchmarks.memory_over_sizes --training --sizes 100 --longest 256
"""
import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...engine.files import write_json
from ...process_memory import resident_megabytes, return_free_memory
from .machine import describe_machine
from .timing import format_quartiles, quartiles

HEADER = (f"{'bound':>6} {'MB before':>10} {'after 1/4, 2/4, 3/4, 4/4 of the sizes':>40} {'again':>7} "
          f"{'processor ms, first':>22} {'processor ms, again':>22}")
Size = Tuple[int, int]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints a line for each bound and can write all numbers as JSON.

    Args:
        argv: the words of the command line; default: those of this process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="light_head_rcnn_xception_coco", metavar="NAME",
                        help="a name of `get_model` (default: light_head_rcnn_xception_coco)")
    parser.add_argument("--training", action="store_true", help="run training steps; otherwise inference")
    parser.add_argument("--bounds", type=int, nargs="+", default=[-1, 64], metavar="N",
                        help="values of MXNET_MKLDNN_CACHE_NUM; -1 is no bound (default: -1 64)")
    parser.add_argument("--sizes", type=int, default=200, metavar="N", help="how many sizes (default: 200)")
    parser.add_argument("--shortest", type=int, default=128, metavar="PIXELS", help="of an edge (default: 128)")
    parser.add_argument("--longest", type=int, default=320, metavar="PIXELS", help="of an edge (default: 320)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # measures in this process
    args = parser.parse_args(argv)
    if args.here:
        print(json.dumps(measure(args.model, args.training, draw_sizes(args.sizes, args.shortest, args.longest))))
        return 0
    results: Dict[str, Any] = dict(vars(args), machine=describe_machine(), rows=[])
    print(HEADER)
    for bound in args.bounds:
        row = measure_in_process(bound, list(sys.argv[1:] if argv is None else argv))
        results["rows"].append(row)
        print(format_row(row), flush=True)
    if args.json:
        write_json(args.json, results)
    return 0


def draw_sizes(count: int, shortest: int, longest: int) -> List[Size]:
    """Draws different input sizes, always the same ones.

    Args:
        count: how many.
        shortest, longest: the smallest and the largest edge in pixels.

    Returns:
        (height, width) of each.
    """
    random = np.random.RandomState(0)
    choices = random.permutation((longest - shortest + 1) ** 2)[:count]
    return [(shortest + int(choice) // (longest - shortest + 1), shortest + int(choice) % (longest - shortest + 1))
            for choice in choices]


def measure_in_process(bound: int, argv: List[str]) -> Dict[str, Any]:
    """Measures in a new process in which MXNET_MKLDNN_CACHE_NUM is `bound`.

    Args:
        bound: the value.
        argv: the words of the command line that say what to measure.

    Returns:
        What `measure` returns there, and bound.
    """
    run = subprocess.run([sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, *argv, "--here"],
                         stdout=subprocess.PIPE, universal_newlines=True, check=True,
                         env=dict(os.environ, MXNET_MKLDNN_CACHE_NUM=str(bound)))
    return dict(json.loads(run.stdout.splitlines()[-1]), bound=bound)


def measure(model: str, training: bool, sizes: Sequence[Size]) -> Dict[str, Any]:
    """Runs a detector on one image of each size, twice.

    Args:
        model: a name of `get_model`; the weights are random.
        training: run training steps; otherwise inference.
        sizes: (height, width) of the inputs.

    Returns:
        memory: megabytes that the process has in use, without what was freed and the C library keeps: before
            the first size, after a quarter, a half, three quarters and all of the sizes, and after the second round.
        first, again: processor milliseconds of an image in the first and in the second round, see `timing.quartiles`.
    """
    step = training_step(model) if training else inference_step(model)
    step((sizes[0][1], sizes[0][0]))
    memory = [_needed_megabytes()]
    rounds: List[List[float]] = [[], []]
    for times in rounds:
        for number, size in enumerate(sizes):
            start = time.process_time()
            step(size)
            times.append(1000 * (time.process_time() - start))
            if times is rounds[0] and number + 1 in [len(sizes) * part // 4 for part in (1, 2, 3, 4)]:
                memory.append(_needed_megabytes())
    memory.append(_needed_megabytes())
    return {"memory": memory, "first": quartiles(rounds[0]), "again": quartiles(rounds[1])}


def _needed_megabytes() -> float:
    return_free_memory()
    return resident_megabytes()


def inference_step(model: str) -> Callable[[Size], None]:
    """Returns a function that runs a detector on an image of a size."""
    import mxnet as mx

    from ...gluon_models import get_model
    net = get_model(model)
    net.initialize(mx.init.Xavier())
    net.hybridize()

    def step(size: Size) -> None:
        for output in net(mx.nd.ones((1, 3) + size)):
            output.wait_to_read()

    return step


def training_step(model: str) -> Callable[[Size], None]:
    """Returns a function that runs a training step on an image of a size with one to sixty random boxes."""
    import mxnet as mx
    from mxnet import autograd, gluon

    from ...data.batching.padding import pad_boxes
    from ...gluon_models import DetectorLosses, get_model
    from ...operators.anchor_targets import AnchorTargets
    net = get_model(model, norm="batch")
    net.initialize(mx.init.Xavier())
    losses = DetectorLosses(net)
    losses.hybridize()
    targets = AnchorTargets(net.features.feature_size, net.stride, net.rpn.ratios, net.rpn.scales)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1e-5, "momentum": 0.9})
    random = np.random.RandomState(0)

    def step(size: Size) -> None:
        corner = random.uniform(0, 0.5, (random.randint(1, 61), 2)) * size[::-1]
        boxes = np.concatenate([corner, corner + random.uniform(0.1, 0.5, corner.shape) * size[::-1] - 1,
                                np.ones((len(corner), 1))], axis=1).astype(np.float32)
        im_info = np.array([*size, 1], np.float32)
        batch = [np.ones((1, 3) + size, np.float32), im_info[None], pad_boxes([boxes])]
        batch += [array[None] for array in targets(im_info, boxes, *size, random)]
        with autograd.record():
            loss = sum(losses(*map(mx.nd.array, batch))[:4])
        loss.backward()
        trainer.step(1)
        mx.nd.waitall()

    return step


def format_row(row: Dict[str, Any]) -> str:
    """Returns the line of the table, under `HEADER`, for what `measure_in_process` returned."""
    before, *growth, again = (f"{number:.0f}" for number in row["memory"])
    return (f"{row['bound']:>6} {before:>10} {', '.join(growth):>40} {again:>7} "
            f"{format_quartiles(row['first'], 1):>22} {format_quartiles(row['again'], 1):>22}")


if __name__ == "__main__":
    sys.exit(main())
