"""Trains a backbone as a classifier, with whose weights detectors start; tests it after each epoch.

DATA is a folder with the sets train and val (or valid, validation, test), each either a folder that has a folder of
images for each class, as ImageNet has, or a file train.rec with train.idx, as MXNet's im2rec.py writes them. The result
is a parameter file that network.pretrained takes. docs/pretraining.md has the recipe for ImageNet.
"""
import argparse
import os
from dataclasses import fields
from typing import Optional, Tuple

from ...data.classification import ClassifiedSet, read_image_folder, read_record_file
from ...errors import DataError
from . import options

EXAMPLES = """
lhrcnn pretrain imagenet/ --backbone xception --gpus 0
lhrcnn pretrain imagenet_rec/ --backbone xception --classes synset.txt --gpus 0,1,2,3,4,5,6,7 --batch-size 1024
lhrcnn pretrain crops/ --backbone vovnet27_slim --cpu --side 64 --epochs 10 --batch-size 32 --least-area 0.35
"""
_HELP = {
    "side": "side of the square images, in pixels", "epochs": "epochs of the whole training",
    "batch_size": "images in a step, all devices together",
    "lr": "learning rate for a batch of 256 images; it is scaled to the batch, and falls along half a cosine",
    "warmup_epochs": "epochs in which the learning rate rises from 0, fewer than --epochs",
    "momentum": "of Nesterov's SGD",
    "wd": "weight decay of the weights; biases, scales and shifts have none",
    "label_smoothing": "share of a label that is spread over all classes",
    "least_area": "smallest share of an image that a training image shows",
    "color_jitter": "largest change of brightness, contrast and saturation, 0 to 1",
    "seed": "of everything random"}
_TRAIN_NAMES = ("train",)
_TEST_NAMES = ("val", "valid", "validation", "test")


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`.

    Returns:
        The exit status: 1 where an image could not be read, 128 and the signal's number where one ended the training.
    """
    args = _parser().parse_args(argv)
    folder = args.out or os.path.join("output", f"pretrain_{args.backbone}")
    options.check_output_folder(folder)
    from ...engine.config import pixel_keys
    from ...engine.folder_lock import lock_folder
    from ...engine.reporting.logger import HeldLogFile, open_logger
    from ...engine.training.allocator import keep_freed_memory
    from ...engine.training.classification.recipe import PIXELS, Recipe
    from ...engine.training.classification.run import ClassifierRun, Place
    from ...engine.training.stopping import tells_of_resume
    keep_freed_memory()
    recipe = Recipe(**{one.name: getattr(args, one.name) for one in fields(Recipe)})
    recipe.check()
    place = Place(folder, options.choose_contexts(args), args.workers, args.log_every, args.keep,
                  args.save_every_minutes)
    place.check()
    train_path, test_path = _find_sets(args)
    logger = open_logger()
    with lock_folder(folder) as lock, HeldLogFile(logger) as log_file:
        run = ClassifierRun(args.backbone, _read_set(train_path, args.classes), _read_set(test_path, args.classes),
                            recipe, place, logger, args.resume, args.resume_if_any)
        run.before_checkpoint = lock.check
        log_file.begin(folder)
        with tells_of_resume(logger):
            run.run()
    if run.trainer.exit_status:
        return run.trainer.exit_status
    file = run.best_file()
    keys = " ".join(f"{key}={','.join(map(str, value))}" for key, value in pixel_keys(*PIXELS).items())
    print(f"The weights are in {file}. To start a detector with them:\n"
          f"  lhrcnn train --cfg CFG network.model=light_head_rcnn_{args.backbone}_coco network.pretrained={file} "
          f"{keys}\n"
          f"lhrcnn convert {file} --to model/{args.backbone}.params writes a configuration with these keys.")
    return 1 if run.failures else 0


def _parser() -> argparse.ArgumentParser:
    from ...engine.training.classification.recipe import Recipe, option
    from ...gluon_models import backbone_names
    parser = options.make_plain_parser("lhrcnn pretrain", __doc__, EXAMPLES)
    parser.add_argument("data", nargs="?", metavar="DATA", help="folder of the sets")
    parser.add_argument("--train", metavar="PATH", help="the set to train on, in place of DATA/train: a folder or a "
                        ".rec file")
    parser.add_argument("--val", metavar="PATH", help="the set to test on, in place of DATA/val")
    parser.add_argument("--classes", metavar="FILE", help="text file with the name of a class in each line, for .rec "
                        "files, whose classes are numbers")
    parser.add_argument("--backbone", default="xception", choices=backbone_names(), metavar="NAME", help="such as "
                        "xception or vovnet39; docs/backbones.md lists all (default: xception)")
    for one in fields(Recipe):
        if one.type in (bool, "bool"):
            parser.add_argument(option(one.name), dest=one.name, action="store_false", help="do not mirror training "
                                "images")
        else:
            parser.add_argument(option(one.name), type=type(one.default), default=one.default, metavar="N",
                                help=f"{_HELP[one.name]} (default: {one.default})")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes that read images; 0 reads them "
                        "in the main one (default: 2)")
    parser.add_argument("--log-every", type=int, default=50, metavar="N", help="steps between log lines (default: 50)")
    parser.add_argument("--keep", type=int, default=2, metavar="N", help="how many of the last epochs keep their "
                        "checkpoints, 0 for all; the best one stays (default: 2)")
    parser.add_argument("--save-every-minutes", type=float, default=0, metavar="M", help="minutes between two "
                        "checkpoints inside an epoch; 0 writes none there (default: 0)")
    parser.add_argument("--out", metavar="FOLDER", help="folder for checkpoints, logs and the result (default: "
                        "output/pretrain_NAME)")
    options.add_resuming(parser, "go on from the last checkpoint in the folder, with the same losses as an unbroken "
                         "run")
    options.add_devices(parser, "GPU 0 where MXNet sees one, otherwise the CPU")
    return parser


def _find_sets(args: argparse.Namespace) -> Tuple[str, str]:
    """Returns the paths of the set to train on and of the set to test on."""
    return (args.train or _find_set(args.data, _TRAIN_NAMES, "--train"),
            args.val or _find_set(args.data, _TEST_NAMES, "--val"))


def _find_set(data: Optional[str], names: Tuple[str, ...], instead: str) -> str:
    if data is None:
        raise DataError(f"name the folder of the sets, DATA, or the set itself by {instead} PATH")
    if not os.path.isdir(data):
        raise DataError(f"there is no folder {data}")
    paths = [os.path.join(data, name + ending) for name in names for ending in ("", ".rec")]
    found = next((path for path in paths if os.path.exists(path)), None)
    if found is None:
        raise DataError(f"{data} has no folder {' or '.join(names)}, with a folder for each class in it, and no such "
                        f".rec file; name the set by {instead} PATH. Of a set of labelled objects, lhrcnn data crops "
                        f"{data} NEW makes such folders")
    return found


def _read_set(path: str, class_file: Optional[str]) -> ClassifiedSet:
    if path.endswith(".rec") and not os.path.isdir(path):
        return read_record_file(path, class_file)
    if class_file is not None:
        raise DataError(f"--classes is for .rec files; the folders in {path} have the names of the classes")
    return read_image_folder(path)
