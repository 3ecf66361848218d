"""Trains a symbolic graph in four stages: the RPN, the head on its proposals, and both again on shared convolutions."""
from pathlib import Path

from . import options

EXAMPLES = """
python experiments/train_alternate.py --cfg shapes_s_alternate --cpu
python experiments/train_alternate.py --cfg shapes_s_alternate --cpu --resume
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`.

    Returns:
        The exit status: 1 where images could not be read and were left out, 128 and the signal's number where one ended
        the training.
    """
    parser = options.make_parser("train_alternate.py", __doc__, EXAMPLES)
    options.add_training_arguments(parser, "go on where an earlier call was stopped, inside a stage or between two")
    args = parser.parse_intermixed_args(argv)
    cfg = options.load_training_cfg(args)
    from ...engine.building.datasets import build_dataset, build_test_set, write_reports
    from ...engine.evaluation.run import test_network
    from ...engine.folder_lock import lock_folder
    from ...engine.inference.loading import load_network
    from ...engine.reporting.logger import HeldLogFile, open_logger
    from ...engine.training.allocator import keep_freed_memory
    from ...engine.training.alternate.stages import AlternateTraining
    from ...engine.training.stopping import tells_of_resume
    keep_freed_memory()
    contexts = options.choose_contexts(args, cfg)
    logger = open_logger()
    with lock_folder(cfg.output_path) as lock, HeldLogFile(logger) as log_file:
        dataset = build_dataset(cfg, cfg.dataset.image_set)
        test_set = build_test_set(cfg, dataset.classes)
        training = AlternateTraining(cfg, contexts, logger, dataset, args.resume, args.allow_partial,
                                     args.resume_if_any)
        training.before_checkpoint = lock.check
        log_file.begin(cfg.output_path)
        write_reports(cfg.output_path, dataset, test_set)
        with tells_of_resume(logger):
            checkpoint = training.run()
        if training.exit_status:
            return training.exit_status
        if test_set is not None:
            net, _, _ = load_network(cfg, contexts, checkpoint, classes=test_set.classes)
            result = test_network(cfg, net, test_set, contexts, Path(cfg.output_path) / "test", logger)
            training.failures += result.failures
        if training.failures:
            write_reports(cfg.output_path, dataset, test_set)
    sets = [one for one in (dataset, test_set) if one is not None]
    return 1 if training.failures or any(one.log.unreadable_images for one in sets) else 0
