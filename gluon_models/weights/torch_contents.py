"""What a file of PyTorch holds: stand-ins for what is saved beside the tensors, and the tensors by their names."""
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Set, Tuple

_LONGEST_NAME = 300  # characters, and so no more dictionaries within dictionaries


class Unread:
    """Stands for an object beside the tensors, of which nothing is wanted: it forgets what it is made of."""

    def __new__(cls, *contents: Any) -> "Unread":
        return super().__new__(cls)

    def __init__(self, *contents: Any):
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class UnreadArray(Unread):
    """Stands for a NumPy array."""


def _dictionary(*contents: Any) -> Dict[Any, Any]:
    """Stands for a `defaultdict`, which would call what it was made with."""
    return {}


# What trainings save beside the weights: their command line, losses, paths and dates, and dictionaries of lists or
# numbers. The stand-ins take the places of these classes and functions, so that files with them are read, and still
# nothing of them is run.
STAND_INS: List[Tuple[Callable[..., Any], str]] = [
    *((Unread, name) for name in (
        "argparse.Namespace", "datetime.datetime", "datetime.timedelta", "numpy.dtype", "numpy.ndarray",
        "mmengine.logging.history_buffer.HistoryBuffer",
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "getattr", "int", "list", "str", "tuple")),
        *(f"pathlib.{kind}Path" for kind in ("Posix", "PurePosix", "Windows", "PureWindows")))),
    (_dictionary, "collections.defaultdict"),
    *((stand_in, f"numpy.{core}.multiarray.{function}") for core in ("core", "_core")
      for stand_in, function in ((Unread, "scalar"), (UnreadArray, "_reconstruct")))]


def entries(content: Any, prefix: str = "", seen: Optional[Set[int]] = None) -> Iterator[Tuple[str, Any]]:
    """Yields what is in dictionaries within dictionaries, under their keys joined by ".".

    Dictionaries can share others, and hold themselves: each is looked into once. Keys that are neither words nor whole
    numbers, and names too long for any layer, do not count.

    Args:
        content: nothing is yielded if it is no dictionary.
        prefix: before the names.
        seen: the `id` of each dictionary that was looked into.
    """
    seen = set() if seen is None else seen
    if not isinstance(content, Mapping) or id(content) in seen:
        return
    seen.add(id(content))
    for key, value in _without_raw_weights(content).items():
        if isinstance(key, (str, int)) and len(prefix) + len(str(key)) <= _LONGEST_NAME:
            if isinstance(value, Mapping):
                yield from entries(value, f"{prefix}{key}.", seen)
            else:
                yield f"{prefix}{key}", value


def _without_raw_weights(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Leaves out those of the last step in a checkpoint of mmengine.

    Its EMAHook swaps the two as it saves them: the moving average is `state_dict`, and not `ema_state_dict`.
    """
    meta = content.get("meta")
    if "message_hub" in content or isinstance(meta, Mapping) and "mmengine_version" in meta:
        return {key: value for key, value in content.items() if key != "ema_state_dict"}
    return content
