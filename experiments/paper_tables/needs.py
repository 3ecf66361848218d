"""What a row needs at the paper's scale, and what of it is not there: data, pretrained weights and GPUs."""
import math
import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

import mxnet as mx
import yaml
from yacs.config import CfgNode

from ...data.readers.coco import PARENT_IMAGE_SETS
from ...engine.building.pretrained import pretrained_file
from ...engine.config import dataset_kind, gpu_ids
from ...errors import CheckpointError
from .detectors import build_row_net

FILE = Path(__file__).with_name("needs.yaml")


class Missing(NamedTuple):
    """Something that is not there.

    Attributes:
        what: what it is, in words.
        remedy: how to get it, in words.
    """

    what: str
    remedy: str


def read_needs() -> Dict[str, Any]:
    """Returns the content of needs.yaml: files, their sizes and where they come from."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def missing_data(cfg: CfgNode, needs: Dict[str, Any]) -> List[Missing]:
    """Finds which files and folders of a configuration's data sets are not there.

    Args:
        cfg: the configuration.
        needs: from `read_needs`.

    Returns:
        Empty, or one Missing that names all of them. Of a layout that no row has only the folder is looked for, and
        sets that are drawn are made when they are read.
    """
    root, kind = cfg.dataset.dataset_path, dataset_kind(cfg)
    if kind not in needs["data"]:
        there = kind.startswith("shapes") or os.path.exists(root)
        return [] if there else [Missing(f"data ({root})", "name the folder of the data set by --data PATH")]
    wanted = []
    for image_set in "+".join((cfg.dataset.image_set, cfg.dataset.test_image_set)).split("+"):
        if kind == "coco":
            wanted += [("annotations", f"instances_{image_set}.json"), (PARENT_IMAGE_SETS.get(image_set, image_set),)]
        else:
            year, _, name = image_set.partition("_")
            wanted += [("VOC" + year, "ImageSets", "Main", name + ".txt"), ("VOC" + year, "JPEGImages")]
    absent = sorted({os.path.join(root, *parts) for parts in wanted
                     if not any(os.path.exists(os.path.join(root, *folder, *parts)) for folder in ((), ("images",)))})
    if not absent:
        return []
    return [Missing(f"data ({', '.join(absent)})", f"unpack in {root}, or name another folder by --data PATH: "
                    + "; ".join(needs["data"][kind]["files"]))]


def missing_weights(cfg: CfgNode, needs: Dict[str, Any], sizes: Dict[str, int]) -> List[Missing]:
    """Finds whether the pretrained weights of a configuration are not there.

    Args:
        cfg: the configuration.
        needs: from `read_needs`.
        sizes: takes the sizes of the files that were looked for, in bytes, so that each is computed once.

    Returns:
        Empty, or one Missing.
    """
    if not cfg.network.pretrained:
        return []
    try:
        pretrained_file(cfg)
        return []
    except CheckpointError:
        path = cfg.network.pretrained
        if not Path(path).suffix:
            path = f"{path}-{cfg.network.pretrained_epoch:04d}.params"
    if path not in sizes:
        backbone = build_row_net(cfg).backbone
        sizes[path] = 4 * sum(math.prod(parameter.shape) for parameter in backbone.collect_params().values())
    kind = "xception" if "xception" in cfg.network.model else "resnet"
    return [Missing(f"weights ({path})", f"about {sizes[path] / 1e6:.0f} MB, or name another by network.pretrained "
                    f"PATH: {needs['weights'][kind]}")]


def missing_gpus(cfg: CfgNode, device: Sequence[str], seen: int) -> List[Missing]:
    """Finds whether the GPUs that a command asks for are not there.

    Args:
        cfg: the configuration, whose `gpus` count where the command names no device.
        device: words of the command: [], ["--cpu"] or ["--gpus", "0,1"].
        seen: how many GPUs MXNet sees.

    Returns:
        Empty, or one Missing; empty where the CPU was asked for.
    """
    if "--cpu" in device:
        return []
    if not seen:
        return [Missing("a GPU that MXNet sees", "with an NVIDIA GPU: pip install .[cu112]; or train on the CPU by "
                        "--cpu, which is far slower")]
    wanted = [int(number) for number in device[1].split(",")] if device else gpu_ids(cfg)
    if max(wanted) < seen:
        return []
    return [Missing(f"GPUs {','.join(map(str, wanted))} (MXNet sees {seen})", "name others by --gpus IDS, such as "
                    f"--gpus {','.join(map(str, range(seen)))}")]


def gpus_seen() -> int:
    """Returns how many GPUs MXNet sees."""
    try:
        return mx.context.num_gpus()
    except mx.MXNetError:
        return 0
