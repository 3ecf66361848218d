"""Trains support vector machines on the features of a trained Fast R-CNN, in place of its softmax."""
from pathlib import Path

from ...errors import UsageError
from . import options

EXAMPLES = """
lhrcnn svm --checkpoint output/voc_fast_rcnn_vgg16
lhrcnn svm --checkpoint output/bccd_fast_rcnn --out output/bccd_svm dataset.dataset_path=data/bccd
lhrcnn test --checkpoint output/bccd_svm
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where an image could not be read."""
    parser = options.make_parser("lhrcnn svm", __doc__, EXAMPLES)
    options.add_checkpoint_arguments(parser)
    parser.add_argument("--out", metavar="FOLDER", help="folder for the checkpoint with the machines, which is tested, "
                        "used and exported as any other (default: output_path of --cfg, or the folder svm beside the "
                        "checkpoint)")
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    own = options.load_cfg(args.cfg, args.overrides) if args.cfg else None
    cfg = options.load_cfg_unless_checkpoint(args)
    from ...engine.building.datasets import build_dataset
    from ...engine.building.proposals import build_proposals
    from ...engine.folder_lock import lock_folder
    from ...engine.inference.changed_networks import check_folder, write_network
    from ...engine.inference.loading import load_network
    from ...engine.reporting.logger import open_logger
    from ...engine.training.svm_detector import with_machines
    logger, contexts = open_logger(), options.choose_contexts(args, cfg)[:1]
    trained = load_network(cfg, contexts, args.checkpoint, args.epoch, allow_partial=args.allow_partial, logger=logger,
                           overrides=args.overrides)
    source = Path(trained.path).resolve().parent
    folder = args.out or (own.output_path if own is not None else str(source / "svm"))
    if Path(folder).resolve() == source:
        raise UsageError(f"{folder} holds the checkpoint that the machines are trained on: name another folder, --out "
                         "FOLDER")
    prefix = (own if own is not None else trained.cfg).TRAIN.model_prefix
    options.check_output_folder(folder)
    check_folder(folder, prefix)
    with lock_folder(folder):
        dataset = build_dataset(trained.cfg, trained.cfg.dataset.image_set, trained.net.classes)
        logger.info("%s", dataset.summary())
        proposals = build_proposals(trained.cfg, dataset, trained.cfg.TRAIN.PROPOSALS)
        machines = with_machines(trained, dataset, proposals, contexts[0], logger)
        logger.info("wrote %s", write_network(machines.net, machines.cfg, folder, prefix))
    return 1 if dataset.log.unreadable_images else 0
