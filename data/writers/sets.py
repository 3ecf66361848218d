"""What the writers share: the type of the sets that they take, and how they say what they cannot keep."""
from typing import List, Mapping, Sequence, Tuple

from ..record import Record

RecordSets = Mapping[str, Sequence[Record]]


def counted(*losses: Tuple[int, str, str]) -> List[str]:
    """Returns a sentence for each (count, what, what becomes of it) whose count is not 0.

    Example::

        counted((3, "crowd", "is left out"))  # ["3 x crowd: is left out"]
    """
    return [f"{count} x {what}: {fate}" for count, what, fate in losses if count]
