"""The symbolic networks by name. A user's program may register more of them without editing this package."""
from typing import Any, Callable, List, Optional, Set

import mxnet as mx
from mxnet.name import NameManager

from ..registry import Registry, check_options, option_names
from .detector_graphs import DetectorGraphs

SYMBOLS: Registry = Registry("symbol")


def register_symbol(name: str, builder: Optional[Callable[..., DetectorGraphs]] = None) -> Callable:
    """Registers a symbolic network.

    Example:
        >>> @register_symbol("my_net")
        ... def my_net(**options):
        ...     return DetectorGraphs(my_backbone, my_head, rpn_channels=256, box_sigma=1.0, stride=16, **options)
        >>> graph = get_symbol("my_net", is_train=False, num_classes=21)

    Args:
        name: name of the network, as `get_symbol` shall know it.
        builder: called as `builder(**options)`. Its options are its arguments that have a default value; where it has a
            `**` argument, that takes the options of `DetectorGraphs`. Without a builder the function is a decorator.

    Returns:
        The builder, or the decorator.

    Raises:
        ModelError: the name is taken.
    """
    def register(builder: Callable) -> Callable:
        SYMBOLS.add(name, builder)
        return builder

    return register if builder is None else register(builder)


def symbol_names() -> List[str]:
    """Returns the names that `get_symbol` knows, sorted."""
    return SYMBOLS.names()


def symbol_options(name: str) -> Set[str]:
    """Returns the names of all options of a network; ModelError for an unknown name."""
    return set(option_names(SYMBOLS.get(name), DetectorGraphs))


def get_symbol(name: str, is_train: bool = True, **options: Any) -> mx.sym.Symbol:
    """Builds the graph of a whole detector.

    Example:
        >>> graph = get_symbol("resnet_v1_101_rfcn_light", is_train=False, num_classes=21, post_nms=1000)

    Args:
        name: one of `symbol_names()`: "resnet_v1_101_rfcn_light" (Light-Head R-CNN, the paper's setting L),
            "xception_rfcn_light" (setting S), "resnet_v1_101_rfcn" (R-FCN, the paper's B1), or one that was registered.
        is_train: whether the graph is that of training, with targets and losses (`DetectorGraphs.train`), or that of
            tests (`DetectorGraphs.test`). These methods tell the inputs and outputs.
        options: see `DetectorGraphs`, and the function in `symbols.networks` that builds the network.

    Returns:
        The graph. Built with the default values, "resnet_v1_101_rfcn_light" is the graph of the MXNet original, node
        for node, except for the pickled configuration that its `proposal_target` carries: here that node has plain
        attributes.

    Raises:
        ModelError: an unknown name, an unknown option, or a value that no graph can be built of.
    """
    return _graph(name, "train" if is_train else "test", options)


def get_symbol_rpn(name: str, is_train: bool = True, **options: Any) -> mx.sym.Symbol:
    """Builds the graph of the proposal network alone, for alternate training.

    Arguments and errors are those of `get_symbol`; inputs and outputs those of `DetectorGraphs.train_rpn` and
    `DetectorGraphs.test_rpn`.
    """
    return _graph(name, "train_rpn" if is_train else "test_rpn", options)


def get_symbol_rcnn(name: str, is_train: bool = True, **options: Any) -> mx.sym.Symbol:
    """Builds the graph of backbone and head on given RoIs, for alternate training.

    Arguments and errors are those of `get_symbol`; inputs and outputs those of `DetectorGraphs.train_rcnn` and
    `DetectorGraphs.test_rcnn`. In the MXNet original this is `get_symbol_rfcn`, which has R-FCN's head even in the
    file of the light head; here that graph is the one of "resnet_v1_101_rfcn".
    """
    return _graph(name, "train_rcnn" if is_train else "test_rcnn", options)


def _graph(name: str, method: str, options: Any) -> mx.sym.Symbol:
    check_options(name, options, symbol_options(name))
    # With a manager of its own, the numbers in automatic names begin at 0, whatever was built before.
    with NameManager():
        return getattr(SYMBOLS.get(name)(**options), method)()
