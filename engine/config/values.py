"""Values that the code computes from a configuration: learning-rate steps, GPUs, image sizes, pixel means in RGB."""
from pathlib import Path
from typing import Dict, List, Sequence, Tuple, Union

from yacs.config import CfgNode

from .kinds import fault_actions, numbers_of

Pairs = Tuple[Tuple[int, int], ...]
_VOC_NAMES = ("voc", "pascalvoc")


def lr_steps(cfg: CfgNode) -> Tuple[float, ...]:
    """Returns the epochs, whole or not, after which the learning rate is multiplied by `TRAIN.lr_factor`."""
    return numbers_of(cfg.TRAIN.lr_step)


def gpu_ids(cfg: CfgNode) -> Tuple[int, ...]:
    """Returns the numbers of the GPUs in `gpus`."""
    return tuple(int(number) for number in numbers_of(cfg.gpus))


def train_scales(cfg: CfgNode) -> Pairs:
    """Returns pairs (shorter edge, bound on the longer edge) in pixels, one of which each training batch draws."""
    return cfg.TRAIN.SCALES or _scales(cfg)


def test_scales(cfg: CfgNode) -> Pairs:
    """Returns pairs (shorter edge, bound on the longer edge) in pixels, at each of which images are tested."""
    return cfg.TEST.SCALES or cfg.TEST_SCALES or _scales(cfg)[:1]


# pytest must not take the function for a test where it is imported.
test_scales.__test__ = False


def _scales(cfg: CfgNode) -> Pairs:
    return (cfg.SCALES,) if isinstance(cfg.SCALES[0], int) else cfg.SCALES


def pixel_means(cfg: CfgNode) -> Tuple[float, float, float]:
    """Returns the means to subtract from pixels, in the network's order red, green, blue.

    `network.PIXEL_MEANS` has the order blue, green, red, as in the files of the MXNet original. Only this function and
    `pixel_stds` reverse it.
    """
    return cfg.network.PIXEL_MEANS[::-1]


def pixel_stds(cfg: CfgNode) -> Tuple[float, float, float]:
    """Returns the standard deviations to divide pixels by, in the network's order red, green, blue."""
    return cfg.network.PIXEL_STDS[::-1]


def pixel_keys(means: Sequence[float], stds: Sequence[float]) -> Dict[str, List[float]]:
    """Returns the keys of means and standard deviations that are given in the order red, green, blue."""
    return {"network.PIXEL_MEANS": list(means)[::-1], "network.PIXEL_STDS": list(stds)[::-1]}


def dataset_kind(cfg: CfgNode) -> str:
    """Returns the layout of the data set as `data.load_dataset` knows it, in lower case; "PascalVOC" is "voc"."""
    kind = cfg.dataset.dataset.lower()
    return "voc" if kind in _VOC_NAMES else kind


def fault_policy(cfg: CfgNode) -> Union[str, Dict[str, str]]:
    """Returns what is done about faults in annotations, as `data.load_dataset` takes it."""
    return fault_actions(cfg.dataset.ON_ERROR)


def annotation_files(cfg: CfgNode) -> Dict[str, str]:
    """Returns the annotation files, lists or folders that the configuration names, by the name of the image set."""
    return {name: cfg.dataset[name] for name in ("train", "val", "test") if cfg.dataset[name]}


def checkpoint_prefix(cfg: CfgNode) -> str:
    """Returns the path that the names of a run's checkpoints start with."""
    return str(Path(cfg.output_path) / cfg.TRAIN.model_prefix)
