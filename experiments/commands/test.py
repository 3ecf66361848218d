"""Tests a detector on a data set; writes COCO's and Pascal VOC's metrics, and the detections as JSON."""
from pathlib import Path

from ...errors import UsageError
from . import engines, options

EXAMPLES = """
lhrcnn test --cfg shapes_s --cpu
lhrcnn test --checkpoint output/bccd_s --cpu dataset.dataset_path=data/bccd TEST.NMS=0.5
lhrcnn test --cfg bccd_s --epoch 30 dataset.dataset_path=data/bccd --out output/epoch30
lhrcnn test --checkpoint models/blood_onnx --engine openvino --precision bfloat16
"""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where images could not be read and were left out."""
    parser = options.make_parser("lhrcnn test", __doc__, EXAMPLES)
    options.add_checkpoint_arguments(parser, exports=True)
    engines.add_arguments(parser)
    parser.add_argument("--out", metavar="FOLDER", help="folder for results.json, metrics.json, dataset.json and "
                        "speed.json (default: the folder test, or test_ENGINE_PRECISION for an export, beside the "
                        "checkpoint)")
    options.add_overrides(parser)
    args = parser.parse_intermixed_args(argv)
    if engines.names_mxnet_export(args.checkpoint):
        raise UsageError(f"{args.checkpoint} is an export for MXNet, which does not say what it is tested on: name the "
                         "checkpoint that it was made of, or test it in a program, by lh.evaluate(PATH, DATA_SET)")
    is_export = engines.names_export(args.checkpoint, args)
    cfg = engines.load_export_cfg(args.checkpoint, args) if is_export else options.load_cfg_unless_checkpoint(args)
    from ...engine.building.datasets import build_dataset
    from ...engine.building.proposals import build_proposals
    from ...engine.deploy.fusing.detector import fused_detector
    from ...engine.evaluation.run import test_detector
    from ...engine.inference.detector import Detector
    from ...engine.inference.loading import load_network
    from ...engine.reporting.logger import open_logger
    logger = open_logger()
    if is_export:
        detector = engines.load_export(args.checkpoint, args)
        where = f"{detector.engine} in {detector.precision}"
        folder = Path(args.checkpoint).resolve().parent / f"test_{detector.engine}_{detector.precision}"
    else:
        contexts = options.choose_contexts(args, cfg)
        net, cfg, path = load_network(cfg, contexts, args.checkpoint, args.epoch, allow_partial=args.allow_partial,
                                      logger=logger, overrides=args.overrides)
        detector = fused_detector(Detector.of(cfg, net, contexts, path))
        where, folder = ", ".join(map(str, contexts)), Path(path).parent / "test"
    if not cfg.dataset.test_image_set:
        raise UsageError("dataset.test_image_set is empty: name the set to test on, dataset.test_image_set=NAME")
    folder = args.out or folder
    options.check_output_folder(folder)
    logger.info("testing %s on %s", detector.source, where)
    dataset = build_dataset(cfg, cfg.dataset.test_image_set, None if cfg.dataset.classes else detector.classes)
    logger.info("%s", dataset.summary())
    proposals = None if detector.rois is None else build_proposals(cfg, dataset, cfg.TEST.PROPOSALS)
    result = test_detector(detector, dataset, folder, cfg.TEST.BATCH_IMAGES, logger, cfg.TEST.NUM_WORKERS, proposals)
    return 1 if result.failures or dataset.log.unreadable_images else 0
