"""Trains a detector end to end, proposals and head at once: a Gluon model, or the symbolic graph `symbol`."""
import sys
from pathlib import Path

from light_head_rcnn.experiments.commands import options as cli

EXAMPLE = """
python experiments/train_end2end.py --cfg experiments/cfgs/shapes_s.yaml --cpu
python experiments/train_end2end.py --cfg experiments/cfgs/shapes_s.yaml --cpu --resume
python experiments/train_end2end.py --cfg experiments/cfgs/coco_xception_s.yaml --gpus 0,1 dataset.dataset_path coco
python experiments/train_end2end.py --cfg experiments/cfgs/bccd_s_symbol.yaml --cpu dataset.dataset_path data/bccd
"""


@cli.readable_errors
def main(argv=None):
    """Runs the command line `argv`; returns the exit code."""
    parser = cli.make_parser(__doc__, EXAMPLE)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the configuration's "
                        "output_path, with the losses that an unbroken run would have; starts anew where there is none")
    cli.add_partial_argument(parser)
    args, cfg = cli.parse(parser, argv)
    if not cfg.TRAIN.END2END:
        raise cli.UsageError("TRAIN.END2END is false: experiments/train_alternate.py trains in stages")
    from light_head_rcnn.engine.building import build
    from light_head_rcnn.engine.reporting.logger import open_logger
    from light_head_rcnn.engine.evaluation import run as testing
    from light_head_rcnn.engine.training import trainer
    from light_head_rcnn.engine.training.symbol_trainer import SymbolTrainer
    contexts = cli.contexts_of(args, cfg)
    logger = open_logger(cfg.output_path)
    train = SymbolTrainer if cfg.symbol else trainer.EndToEndTrainer
    training = train(cfg, contexts, logger, args.resume, args.allow_partial)
    test_set = build.build_test_set(cfg, training.dataset.classes)
    if test_set is not None:
        logger.info("%s", test_set.summary())

    def test(folder):
        if test_set is not None:
            testing.test_network(cfg, training.net, test_set, contexts, Path(cfg.output_path) / folder, logger)

    def test_now_and_then(epoch):
        if cfg.TRAIN.TEST_EVERY and epoch % cfg.TRAIN.TEST_EVERY == 0 and epoch < cfg.TRAIN.end_epoch:
            test("test-epoch-%04d" % epoch)

    training.run(after_epoch=test_now_and_then)
    test("test")
    return 0


if __name__ == "__main__":
    sys.exit(main())
