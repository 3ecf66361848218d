"""Trains a detector end to end (RPN and head together): a Gluon model, or the symbolic graph of `symbol`."""
import argparse
import traceback

from . import options

EXAMPLES = """
lhrcnn train --cfg shapes_s --cpu
lhrcnn train --cfg shapes_s --cpu --resume
lhrcnn train --cfg shapes_s --cpu --resume-if-any TRAIN.SAVE_EVERY_MINUTES=10
lhrcnn train --cfg shapes_s --cpu --extend TRAIN.end_epoch=12 TRAIN.lr_step=7,11
lhrcnn train --cfg coco_xception_s --gpus 0,1 dataset.dataset_path=coco
horovodrun -np 2 lhrcnn train --horovod --cfg shapes_s --cpu
lhrcnn train --cfg bccd_s_symbol --cpu dataset.dataset_path=data/bccd --out output/blood
"""


def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`.

    Returns:
        The exit status: 1 where an image could not be read, 128 and the signal's number where one ended the training.
        One of several processes ends with it instead.
    """
    group, status, together = None, 2, False

    @options.readable_errors
    def train(argv: options.Arguments) -> int:
        nonlocal group, together
        args = parse(argv)
        cfg = options.load_training_cfg(args)
        from ...engine.parallel.joining import join_group
        group = join_group(cfg, args.horovod)
        contexts = options.choose_contexts(args, cfg)
        if args.horovod:
            contexts = contexts[group.local_rank % len(contexts):][:1]
        from ...engine.reporting.logger import open_logger
        from ...engine.training.allocator import keep_freed_memory
        from ...engine.training.api import run_training
        keep_freed_memory()
        logger = open_logger()
        if not group.is_first:
            logger.info("process %d of %d; process 0 tells how the training goes on", group.rank, group.size)
            logger.setLevel("WARNING")
        run = run_training(cfg, contexts, logger, args.resume, args.extend, args.allow_partial,
                           args.resume_if_any, group)
        found = run.trainer.exit_status or int(group.any(not run.all_images_were_read))
        together = True
        return found

    try:
        status = train(argv)
    except Exception:
        if group is None or not group.is_joined:
            raise
        traceback.print_exc()
    if group is not None:
        group.leave(status, together)
    return status


def parse(argv: options.Arguments) -> argparse.Namespace:
    """Parses the command line of `lhrcnn train`."""
    parser = options.make_parser("lhrcnn train", __doc__, EXAMPLES)
    options.add_training_arguments(
        parser, "go on from the last checkpoint in the configuration's output_path, with the same losses as an "
        "unbroken run")
    parser.add_argument("--extend", action="store_true", help="go on from the last checkpoint with another "
                        "schedule (TRAIN.lr and its like; along a cosine TRAIN.end_epoch, too). More epochs at steps "
                        "need --resume alone")
    parser.add_argument("--horovod", action="store_true", help="train as one of the processes that horovodrun has "
                        "started, with one device each; for MXNet's own way see lhrcnn launch")
    return parser.parse_intermixed_args(argv)
