"""Which part of the work one of several processes does."""
from typing import NamedTuple, Sequence, TypeVar

from ...errors import UsageError

_Item = TypeVar("_Item")


class Shard(NamedTuple):
    """One of several processes that share the work; by default the only one.

    Attributes:
        rank: number of this process, from 0 to `size` - 1.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    def checked(self) -> "Shard":
        """Returns the shard itself; UsageError where there is no such rank."""
        if self.size < 1 or not 0 <= self.rank < self.size:
            raise UsageError(f"rank {self.rank} of {self.size} processes: ranks are 0 to size - 1, and the size is at "
                             "least 1")
        return self

    def of(self, items: Sequence[_Item]) -> Sequence[_Item]:
        """Returns this process's consecutive part of a sequence.

        The parts of all ranks, one after the other, are the sequence. Where it does not divide, they differ by one item
        in length.
        """
        return items[self.rank * len(items) // self.size:(self.rank + 1) * len(items) // self.size]


ONE_PROCESS = Shard()
