"""`lhrcnn data show --augmented`: the batches of a training as its network gets them, drawn."""
import argparse
from pathlib import Path
from typing import Iterator, List, Tuple

from PIL import Image
from yacs.config import CfgNode

from ... import data
from ...engine.building.datasets import training_records
from ...engine.building.loaders import train_loader_of
from ...engine.config import pixel_means, pixel_stds, with_values
from ...engine.reporting.batch_pictures import draw_input
from ...engine.reporting.contact_sheets import THUMBNAIL
from ...engine.reporting.drawing import save_picture
from ...errors import UsageError
from ...progress import ProgressBar
from . import options
from .data_pictures import write_lines, write_sheets
from .data_sets import find_data_set, parse_on_error, read_set, set_names, set_to_train_on


def show_augmented(args: argparse.Namespace, folder: Path) -> int:
    """Draws the first images of a training: a picture of each, contact sheets, and images.txt; returns 0.

    Args:
        args: of `lhrcnn data show`.
        folder: the new folder.

    Raises:
        UsageError: there is no configuration, or an option that does not go with batches.
        DataError: no image has a box to train on, or none can be read.
    """
    if args.only_class:
        raise UsageError("--class does not go with --augmented, which draws the first batches of a training")
    cfg = with_values(options.load_cfg(args.cfg, args.overrides), {"TRAIN.NUM_WORKERS": 0, "seed": args.seed})
    name = args.set or set_to_train_on(set_names(find_data_set(args)))
    dataset = read_set(args, name, parse_on_error(args.on_error), cfg.dataset.classes or None)
    lines: List[str] = []
    write_sheets(folder, _pictures(cfg, dataset, args.count, folder, lines))
    write_lines(folder / "images.txt", lines)
    print(f"{len(lines)} training images of {dataset.name} as the network gets them: pictures, contact sheets and "
          f"images.txt are in {folder}")
    return 0


def _pictures(cfg: CfgNode, dataset: data.Dataset, count: int, folder: Path,
              lines: List[str]) -> Iterator[Tuple[str, Image.Image]]:
    """Writes the picture of each image; yields small ones with captions, and adds what each is to `lines`."""
    records = training_records(cfg, dataset)
    loader = train_loader_of(cfg, records, None, cfg.TRAIN.BATCH_IMAGES, dataset.log)
    how = pixel_means(cfg), pixel_stds(cfg), dataset.classes
    for number, (place, image, im_info, boxes) in enumerate(ProgressBar(
            _first_images(loader, count), total=count, unit="picture", leave=False, disable=None), 1):
        height, width = image.shape[1:]
        record = records[place.index]
        # Where the file could not be read, another image took its place.
        path = "another image" if record.path in loader.unreadable else record.path
        mirrored = ", mirrored" if place.flip else ""
        caption = f"{Path(path).stem}: {width} x {height}, x {im_info[2]:.2f}{mirrored}"
        picture = f"{number:04}.jpg"
        save_picture(draw_input(image, boxes, *how), folder / picture)
        lines.append(f"{picture}\t{path}\t{width} x {height}\tscale {im_info[2]:.4f}{mirrored}\t"
                     f"{(boxes[:, 4] > 0).sum()} objects, {(boxes[:, 4] == data.IGNORED_REGION).sum()} ignored regions")
        yield caption, draw_input(image, boxes, *how, THUMBNAIL)


def _first_images(loader: data.TrainLoader, count: int) -> Iterator[tuple]:
    """Yields (SampledImage, data, im_info, gt_boxes) of the first images that a training gets, epoch after epoch."""
    done = epoch = 0
    while done < count:
        for sampled, batch in zip(loader.sampler.batches(epoch), loader.epoch(epoch)):
            for one in zip(sampled, *batch):
                yield one
                done += 1
                if done == count:
                    return
        epoch += 1
