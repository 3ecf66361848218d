"""Says how well the anchors of a configuration cover the boxes of a data set, and suggests anchors that do."""
import argparse
from typing import Sequence, Tuple

from yacs.config import CfgNode

from ...data import Dataset
from ...engine.config import load_with_sources
from ...errors import UsageError
from . import options
from .data_sets import find_data_set, make_parser, parse_on_error, read_set, set_to_train_on

EXAMPLES = """
lhrcnn data anchors photos/
lhrcnn data anchors photos/ --size 600,1000
lhrcnn data anchors photos/ --cfg mine.yaml TRAIN.RPN_POSITIVE_OVERLAP=0.6
"""
_HOW = """
A box is covered where an anchor inside its image has an IoU of TRAIN.RPN_POSITIVE_OVERLAP or more with it: such anchors
learn the box. Of a box that is not covered, only the best anchor learns it."""
CONFIGURATION = "photos_s"


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    parser = make_parser("anchors", __doc__ + "\n" + _HOW, EXAMPLES)
    parser.add_argument("--set", metavar="NAME", help="the image set to look at (default: train, or what there is)")
    parser.add_argument("--cfg", metavar="FILE", default=CONFIGURATION, help="configuration whose network, sizes and "
                        f"thresholds are looked at (default: the bundled {CONFIGURATION})")
    parser.add_argument("--size", metavar="SHORT,LONG", help="size of the network's input: the shorter edge of images, "
                        "and the bound on the longer edge, in pixels (default: that of the configuration)")
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    size = [] if args.size is None else [f"TRAIN.SCALES={[_parse_size(args.size)]}"]
    cfg, sources = load_with_sources(args.cfg, args.overrides + size)
    if cfg.dataset.proposal == "file":
        raise UsageError(f"{args.cfg} has no anchors: its boxes come from files of proposals (dataset.proposal: file). "
                         "lhrcnn proposals --recall tells how well those cover the boxes of a data set")
    # The classes of the configuration may be those of another data set.
    classes = cfg.dataset.classes if sources["dataset.classes"] == "override" else None
    print(_report(cfg, args.cfg, _read(args, classes)))
    return 0


def _read(args: argparse.Namespace, classes: Sequence[str]) -> Dataset:
    name = args.set or set_to_train_on(list(find_data_set(args).sets))
    return read_set(args, name, parse_on_error(args.on_error), classes)


def _report(cfg: CfgNode, name: str, dataset: Dataset) -> str:
    # Only here: the help and the errors above need no MXNet.
    from ...engine.building.anchor_report import anchor_report
    from ...engine.training.trainables import anchor_map
    return anchor_report(cfg, name, dataset, *anchor_map(cfg, dataset.classes))


def _parse_size(text: str) -> Tuple[int, int]:
    """Returns (shorter edge, bound on the longer edge); UsageError where the text is no such pair."""
    try:
        short, long = (int(word) for word in text.split(","))
    except ValueError:
        short, long = 0, 0
    if not 0 < short <= long:
        raise UsageError(f"--size {text!r}: write the shorter edge and the bound on the longer edge in pixels, such as "
                         "600,1000")
    return short, long
