"""Writes a data set in another layout, all of its sets, to a new folder; the data set itself stays as it is."""
from ...data.studies.oddities import without_unions
from ...data.writers import MODES, WRITERS, check_new_folder, write_dataset
from . import options
from .data_sets import check_outside, make_parser, read_sets

EXAMPLES = """
lhrcnn data convert photos/ --to coco photos_coco/
lhrcnn data convert "My Project.v1i.yolov8" --to voc voc/ --images copy
lhrcnn data convert labels/instances.json --image-root photos/ --to yolo yolo/
"""
_KEPT = """
Boxes are kept to 0.0001 pixel, with difficult, crowd and area where the layout has them; what it has not is said.
Outlines and keypoints are not read, and so are not written."""


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, 1 where something was left out."""
    parser = make_parser("convert", __doc__ + "\n" + _KEPT, EXAMPLES)
    parser.add_argument("out", metavar="NEW", help="new folder")
    parser.add_argument("--to", choices=WRITERS, required=True, help="layout to write")
    parser.add_argument("--images", choices=MODES, default="link", help="link the images, which takes no space (where "
                        "the file system cannot, they are copied), copy them, or write none (default: link)")
    args = parser.parse_args(argv)
    _check_folders(args.path, args.out)
    sets = read_sets(args)
    if sets.errors:
        raise next(iter(sets.errors.values()))
    records = without_unions({name: dataset.records for name, dataset in sets.datasets.items()})
    first = next(iter(sets.datasets.values()))
    notes = write_dataset(args.to, args.out, records, sets.classes, args.images, first.category_ids)
    faults = [f"faults in {name}, their number, and what is done about them:\n{dataset.log.table()}"
              for name, dataset in sets.datasets.items() if dataset.log.counts]
    counts = ", ".join(f"{name} {len(of_set)} images, {sum(len(record.boxes) for record in of_set)} boxes"
                       for name, of_set in records.items())
    kept = ["what the new data set does not have:\n" + "\n".join(f"  {note}" for note in notes)] if notes else []
    print("\n\n".join([*faults, *kept, f"wrote {args.out}: {counts}"]))
    return int(any(dataset.log.left_out for dataset in sets.datasets.values()))


def _check_folders(path: str, out: str) -> None:
    """Checks the new folder before the data set is read."""
    check_new_folder(out)
    options.check_output_folder(out, "name another folder")
    check_outside(path, out)
