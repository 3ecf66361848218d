"""Splits fully connected layers of a trained detector's head in two of low rank, by truncated SVD, for speed."""
import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional

from ...errors import UsageError
from . import options

if TYPE_CHECKING:
    import logging

    import mxnet as mx

    from ...engine.inference.loading import TrainedNetwork

EXAMPLES = """
lhrcnn compress output/voc_fast_rcnn_vgg16 --rank fc6=1024,fc7=256 --out output/voc_fast_rcnn_vgg16_svd
lhrcnn compress output/shapes_s --energy 0.99 --no-test
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    parser = options.make_plain_parser("lhrcnn compress", __doc__, EXAMPLES)
    options.add_devices(parser)
    parser.add_argument("model", metavar="MODEL", help="a checkpoint, or the folder of a training")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--rank", type=_ranks, metavar="LAYER=RANK,...", help="ranks of the layers that are split, such "
                     "as fc6=1024,fc7=256; of a light head fc_new_1=256")
    how.add_argument("--energy", type=float, metavar="SHARE", help="split every hidden layer, at the smallest rank at "
                     "which the squared singular values add up to this share of the sum of all, such as 0.99")
    parser.add_argument("--out", metavar="FOLDER", help="folder for the checkpoint, which brings its configuration "
                        "along and is tested, used and exported as any other (default: compressed, beside MODEL)")
    parser.add_argument("--no-test", dest="test", action="store_false", help="do not test both detectors on the data "
                        "set of the configuration")
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    from ...engine.folder_lock import lock_folder
    from ...engine.inference.changed_networks import check_folder, write_network
    from ...engine.inference.compression import compress, count_parameters, time_head
    from ...engine.inference.loading import TrainedNetwork, load_network
    from ...engine.reporting.logger import open_logger
    logger, contexts = open_logger(), options.choose_contexts(args)[:1]
    trained = load_network(None, contexts, args.model, logger=logger, overrides=args.overrides)
    folder = Path(args.out or Path(trained.path).parent / "compressed")
    if folder.resolve() == Path(trained.path).resolve().parent:
        raise UsageError(f"{folder} holds the checkpoint that is compressed: name another folder, --out FOLDER")
    options.check_output_folder(folder)
    check_folder(str(folder), trained.cfg.TRAIN.model_prefix)
    with lock_folder(folder):
        compressed = compress(trained, contexts, args.rank, args.energy)
        base = write_network(compressed.net, compressed.cfg, str(folder))
        logger.info("ranks: %s; wrote %s", ", ".join(f"{name} {rank}" for name, rank in compressed.ranks.items()), base)
        for name, rank in compressed.ranks.items():
            units, in_units = getattr(trained.net.head, name).weight.shape
            if rank * (units + in_units) >= units * in_units:
                logger.info("warning: at rank %d, the two layers in place of %s have no fewer parameters than its %d x "
                            "%d; below rank %d they have", rank, name, units, in_units,
                            -(-units * in_units // (units + in_units)))
        test = trained.cfg.TEST
        rois = test.PROPOSALS if trained.net.needs_proposals else test.RPN_POST_NMS_TOP_N
        rows = {"parameters of the head": [f"{count_parameters(net.head):,}" for net in (trained.net, compressed.net)],
                f"milliseconds of the head, {rois} RoIs": [f"{1000 * time_head(net, rois, contexts[0]):.1f}"
                                                           for net in (trained.net, compressed.net)]}
        if args.test:
            small = TrainedNetwork(compressed.net, compressed.cfg, base + ".params")
            rows.update(_tested(trained, small, contexts[0], folder, logger))
    width = max(map(len, rows)) + 2
    logger.info("\n".join([f"{'':<{width}}{'before':>14}{'after':>14}",
                           *(f"{title:<{width}}{before:>14}{after:>14}" for title, (before, after) in rows.items())]))
    return 0


def _tested(trained: "TrainedNetwork", compressed: "TrainedNetwork", context: "mx.Context", folder: Path,
            logger: "logging.Logger") -> Dict[str, list]:
    """Tests both detectors; returns the rows of AP, none where the configuration names no data set that is there."""
    from ...engine.building.datasets import build_dataset
    from ...engine.building.proposals import build_proposals
    from ...engine.evaluation.run import test_network
    from ...errors import DataError
    cfg = trained.cfg
    if not cfg.dataset.test_image_set:
        return {}
    try:
        dataset = build_dataset(cfg, cfg.dataset.test_image_set, trained.net.classes)
        proposals = build_proposals(cfg, dataset, cfg.TEST.PROPOSALS) if trained.net.needs_proposals else None
    except DataError as error:
        logger.info("no AP, because there is no data set to test on: %s", error)
        return {}
    metrics = [test_network(cfg, one.net, dataset, [context], folder / name, logger, proposals).metrics
               for one, name in ((trained, "test_before"), (compressed, "test"))]
    if metrics[0] is None:
        return {}
    return {name: [f"{100 * of_one['coco'][name]:.2f}" for of_one in metrics] for name in ("AP", "AP50")}


def _ranks(text: str) -> Optional[Dict[str, int]]:
    from ...engine.config.kinds import layer_ranks
    try:
        return layer_ranks(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} are no ranks of layers, such as fc6=1024,fc7=256") from None


_ranks.__name__ = "ranks of layers"
