"""Trains a detector end to end (RPN and head together): a Gluon model, or the symbolic graph of `symbol`."""
from . import options

EXAMPLES = """
lhrcnn train --cfg shapes_s --cpu
lhrcnn train --cfg shapes_s --cpu --resume
lhrcnn train --cfg shapes_s --cpu --extend TRAIN.end_epoch=12 TRAIN.lr_step=7,11
lhrcnn train --cfg coco_xception_s --gpus 0,1 dataset.dataset_path=coco
lhrcnn train --cfg bccd_s_symbol --cpu dataset.dataset_path=data/bccd --out output/blood
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where an image could not be read."""
    parser = options.make_parser("lhrcnn train", __doc__, EXAMPLES)
    options.add_training_arguments(
        parser, "go on from the last checkpoint in the configuration's output_path, with the same losses as an "
        "unbroken run; start anew where there is none")
    parser.add_argument("--extend", action="store_true", help="go on from the last checkpoint with more epochs "
                        "(TRAIN.end_epoch) or another schedule (TRAIN.lr and its like)")
    args = parser.parse_intermixed_args(argv)
    cfg = options.load_training_cfg(args)
    from ...engine.reporting.logger import open_logger
    from ...engine.training.allocator import keep_freed_memory
    from ...engine.training.api import run_training
    keep_freed_memory()
    run = run_training(cfg, options.choose_contexts(args, cfg), open_logger(), args.resume, args.extend,
                       args.allow_partial)
    return 0 if run.all_images_were_read else 1
