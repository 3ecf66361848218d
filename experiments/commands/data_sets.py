"""What the commands of `lhrcnn data` share: their arguments, and the reading of all sets of a folder."""
import argparse
import os
import textwrap
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import yaml

from ...data import MAX_MEGAPIXELS, Dataset, load_dataset
from ...data.finding import LAYOUTS, FoundDataset, find_sets
from ...errors import DataError, UsageError

OnError = Union[str, Dict[str, str]]
LAYOUT_NAMES = {"coco": "COCO's JSON", "voc": "Pascal VOC's XML", "yolo": "YOLO's labels", "cvat": "CVAT's XML",
                "labelme": "labelme's JSON", "via": "an export of the VGG Image Annotator",
                "createml": "Create ML's JSON", "labelstudio": "an export of Label Studio",
                "supervisely": "Supervisely's JSON", "bdd100k": "BDD100K's JSON", "kitti": "KITTI's labels",
                "visdrone": "VisDrone's labels", "widerface": "WIDER FACE's list",
                "openimages": "a table of Open Images", "csv": "a table of boxes (CSV)", "packed": "a packed data set"}


class ReadSets(NamedTuple):
    """The image sets of a folder.

    Attributes:
        found: what the finder says.
        datasets: the sets that could be read, by name.
        errors: why others could not, by name.
    """

    found: FoundDataset
    datasets: Dict[str, Dataset]
    errors: Dict[str, DataError]

    @property
    def classes(self) -> Tuple[str, ...]:
        """Names of the classes, which are those of all sets."""
        return next(iter(self.datasets.values())).classes


def make_parser(name: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Makes the parser of a command with PATH, --image-root, --layout, --on-error and --max-megapixels.

    Args:
        name: of the command, such as "check".
        description: what it does.
        examples: commands, one a line, shown under the help.
    """
    parser = argparse.ArgumentParser(
        prog=f"lhrcnn data {name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  "))
    parser.add_argument("path", metavar="PATH", help="folder of the data set, or a single annotation file")
    add_reading(parser)
    return parser


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Adds --image-root, --layout, --on-error and --max-megapixels, by which `read_set` reads."""
    parser.add_argument("--image-root", metavar="FOLDER", help="folder of the images, where they do not lie with the "
                        "annotations")
    parser.add_argument("--layout", choices=LAYOUTS, help="read annotations of this layout, where a folder has several")
    parser.add_argument("--on-error", metavar="POLICY", default="default", help="what is done about broken entries: "
                        "default; raise, which stops at the first; skip, which leaves all of them out; or actions by "
                        "kind, such as \"{image_missing: error, box_outside: drop}\"")
    parser.add_argument("--max-megapixels", type=float, default=MAX_MEGAPIXELS, metavar="N", help="millions of pixels "
                        f"of an image; larger ones are a fault (default: {MAX_MEGAPIXELS:.0f})")


def check_outside(path: str, out: str) -> None:
    """Raises UsageError for a new folder that lies in the folder of the data set: it would become a part of that."""
    inside = os.path.join(os.path.realpath(path), "")
    if os.path.isdir(path) and os.path.join(os.path.realpath(out), "").startswith(inside):
        raise UsageError(f"{out} lies in {path}, where it would become a part of the data set: name another folder")


def read_sets(args: argparse.Namespace) -> ReadSets:
    """Finds and reads all image sets; a set that cannot be read does not keep the others from being read.

    The set "all" is left out where there are others, which are parts of it.

    Raises:
        DataError: no set can be read.
        UsageError: --on-error is no policy.
    """
    on_error = parse_on_error(args.on_error)
    found = find_data_set(args)
    datasets, errors = {}, {}
    for name in set_names(found):
        try:
            # The classes are those of all sets: what was found for the first one is true of the others.
            classes = next(iter(datasets.values())).classes if datasets else None
            datasets[name] = read_set(args, name, on_error, classes)
        except DataError as error:
            errors[name] = error
    if not datasets:
        raise next(iter(errors.values()))
    return ReadSets(found, datasets, errors)


def find_data_set(args: argparse.Namespace, use_splits: bool = True) -> FoundDataset:
    """Finds the image sets of the folder that a command line names; `use_splits` as for `find_sets`.

    Raises:
        DataError: there are none, or those of several data sets side by side.
    """
    found = find_sets(args.path, image_root_of(args), args.layout, use_splits)
    if found.projects():
        raise DataError(f"{args.path}: it holds {len(found.projects())} data sets side by side: "
                        f"{', '.join(found.projects())}; name the folder of one of them")
    return found


def read_set(args: argparse.Namespace, name: str, on_error: OnError,
             classes: Optional[Sequence[str]] = None, use_splits: bool = True) -> Dataset:
    """Reads one image set of the folder that a command line names, by default with the classes of all sets.

    `use_splits` is as for `find_sets`.
    """
    return load_dataset("auto", args.path, name, classes, on_error, image_root=image_root_of(args), layout=args.layout,
                        max_megapixels=args.max_megapixels, use_splits=use_splits)


def image_root_of(args: argparse.Namespace) -> Optional[str]:
    """Returns the path of the folder that --image-root names: in the working folder, or else in the data set's."""
    if args.image_root is None:
        return None
    inside = os.path.join(args.path, args.image_root)
    return os.path.abspath(inside if os.path.isdir(inside) and not os.path.exists(args.image_root) else args.image_root)


def read_chosen_set(args: argparse.Namespace, wanted: Sequence[str],
                    classes: Optional[Sequence[str]] = None) -> Dataset:
    """Reads the set that --set names, or else the first of `wanted` that is there, or else the first of all.

    Raises:
        DataError: there is no such set, or it cannot be read.
    """
    name = args.set
    if name is None:
        names = set_names(find_data_set(args))
        name = next((name for name in wanted if name in names), names[0])
    return read_set(args, name, parse_on_error(args.on_error), classes)


def class_id(dataset: Dataset, name: str) -> int:
    """Returns the id of a class; UsageError for a name that the data set does not have."""
    if name not in dataset.classes:
        raise UsageError(f"--class {name!r} is no class of {dataset.name}; its classes: {', '.join(dataset.classes)}")
    return dataset.classes.index(name)


def set_names(found: FoundDataset) -> List[str]:
    """Returns the names of the sets, without "all" where there are others."""
    return [name for name in found.sets if name != "all" or len(found.sets) == 1]


def set_to_train_on(names: Sequence[str]) -> str:
    """Returns which of the sets of a folder is to be trained on."""
    return next((name for name in ("train", "trainval", "all") if name in names), names[0])


def parse_on_error(text: str) -> OnError:
    """Returns the policy for faults that a command line names.

    Raises:
        UsageError: it is neither a word nor a mapping from kinds to actions.
    """
    if ":" not in text:
        return text
    try:
        policy = yaml.safe_load(text if text.strip().startswith("{") else "{" + text + "}")
    except yaml.YAMLError:
        policy = None
    if not isinstance(policy, dict) or not all(isinstance(word, str) for pair in policy.items() for word in pair):
        raise UsageError(f"--on-error {text!r}: write actions by kind as in \"{{image_missing: error, box_outside: "
                         "drop}\"")
    return policy


def config_lines(path: str, names: List[str], image_root: Optional[str] = None, layout: Optional[str] = None,
                 lists: Optional[Dict[str, str]] = None) -> str:
    """Returns the lines of a configuration that use a data set.

    Args:
        path: of the data set.
        names: of its sets.
        image_root: see `image_root_of`.
        layout: as given.
        lists: files that name the images of sets, by the name of the set.
    """
    entries = {"dataset": layout or "auto", "dataset_path": os.path.abspath(path)}
    if image_root is not None:
        entries["image_root"] = image_root
    for name, file in (lists or {}).items():
        entries[name] = os.path.abspath(file)
    entries["image_set"] = set_to_train_on(names)
    others = [name for name in ("val", "test") if name in names and name != entries["image_set"]]
    entries["test_image_set"] = others[0] if others else ""
    return yaml.safe_dump({"dataset": entries}, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")
