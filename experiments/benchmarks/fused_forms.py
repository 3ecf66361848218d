"""Times the forms of a detector for MXNet by turns: as it is, in fused form, and also after oneDNN's passes.

Weights are random. Processor time, of all threads together, says more than the clock where the machine has other work::

    OMP_NUM_THREADS=1 python -m light_head_rcnn.experiments.benchmarks.fused_forms --sizes 480x640 800x1216
    python -m light_head_rcnn.experiments.benchmarks.fused_forms --model light_head_rcnn_resnet101_v1_coco --changing
"""
import argparse
import itertools
import os
import sys
import time
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import mxnet as mx
from mxnet.gluon import Block

from ...engine.deploy.fusing.graph import block_of, fuse_graph, plan_of, with_onednn
from ...engine.files import write_json
from ...gluon_models import get_model
from ...gluon_models.model_zoo import NORMS
from .machine import describe_machine
from .timing import format_quartiles, quartiles, take_by_turns

HEADER = f"{'size':>14}  {'form':<12}{'ms (quartiles)':>24}{'processor ms':>24}{'times as fast':>15}"
_INPUTS = ("data", "im_info")
Size = Tuple[int, int]
Times = Tuple[float, float]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints a line for each form and size, and can write all numbers as JSON.

    Args:
        argv: the words of the command line; default: those of this process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="light_head_rcnn_xception_coco", metavar="NAME",
                        help="a name of `get_model` (default: light_head_rcnn_xception_coco)")
    parser.add_argument("--norm", choices=NORMS, default="frozen", help="of the network (default: frozen)")
    parser.add_argument("--sizes", nargs="+", default=["480x640", "800x1216"], metavar="HxW", help="of the images, in "
                        "pixels of the network's input (default: 480x640 800x1216)")
    parser.add_argument("--changing", action="store_true", help="no two images in a row have the same size: each size, "
                        "and three that are 32, 64 and 96 pixels less wide, by turns")
    parser.add_argument("--images", type=int, default=8, metavar="N", help="timed images of a form (default: 8)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to this JSON file")
    args = parser.parse_args(argv)
    net = get_model(args.model, norm=args.norm)
    net.initialize(mx.init.Xavier())
    made = forms(net)
    rows: List[Dict[str, Any]] = []
    print(HEADER)
    for text in args.sizes:
        height, width = map(int, text.split("x"))
        sizes = [(height, width - 32 * step) for step in range(4 if args.changing else 1)]
        for row in measure(made, sizes, args.images):
            rows.append(dict(row, size=text))
            print(format_row(rows[-1]), flush=True)
    if args.json:
        write_json(args.json, dict(vars(args), machine=describe_machine(), rows=rows,
                                   threads=os.environ["OMP_NUM_THREADS"]))
    return 0


def forms(net: Block) -> Dict[str, Block]:
    """The forms of a network by name: "as it is", "folded", and "oneDNN", which is what detectors run on CPUs."""
    net.hybridize()
    net(mx.nd.zeros((1, 3, 256, 256)), mx.nd.array([[256, 256, 1]]))
    made = {"as it is": net}
    for name, onednn in (("folded", False), ("oneDNN", True)):
        graph = fuse_graph(net, _INPUTS, net, onednn)
        symbol = with_onednn(graph.symbol) if onednn else graph.symbol
        made[name] = block_of(symbol, _INPUTS, graph.arrays, [mx.cpu()])
        made[name].hybridize(**plan_of(onednn))
    return made


def measure(made: Dict[str, Block], sizes: Sequence[Size], images: int) -> List[Dict[str, Any]]:
    """Times images of these sizes, one after the other; one of each comes first and is not counted.

    Returns:
        One dict a form: form (its name), clock and processor (milliseconds, see `timing.quartiles`), and speed, the
        processor time of the first form divided by that of this one.
    """
    runs = {name: _times(net, sizes) for name, net in made.items()}
    taken = take_by_turns(runs, len(sizes) + images, len(sizes))
    rows: List[Dict[str, Any]] = []
    for name, times in taken.items():
        clock, processor = (quartiles([1000 * seconds for seconds in column]) for column in zip(*times[len(sizes):]))
        rows.append({"form": name, "clock": clock, "processor": processor})
    first = rows[0]["processor"]["median"]
    return [dict(row, speed=first / row["processor"]["median"]) for row in rows]


def format_row(row: Dict[str, Any]) -> str:
    """The line of the table, under `HEADER`, for a row of `measure` with its size."""
    return (f"{row['size']:>14}  {row['form']:<12}{format_quartiles(row['clock'], 0):>24}"
            f"{format_quartiles(row['processor'], 0):>24}{row['speed']:>15.2f}")


def _times(net: Block, sizes: Sequence[Size]) -> Iterator[Times]:
    inputs = [(mx.nd.random.uniform(-100, 100, (1, 3) + size), mx.nd.array([[*size, 1]])) for size in sizes]
    for x, im_info in itertools.cycle(inputs):
        start, start_of_processor = time.perf_counter(), time.process_time()
        for array in net(x, im_info):
            array.wait_to_read()
        yield time.perf_counter() - start, time.process_time() - start_of_processor


if __name__ == "__main__":
    sys.exit(main())
