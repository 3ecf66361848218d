"""Bounds of the numbers that configuration keys take."""
from typing import NamedTuple, Optional


class Bounds(NamedTuple):
    """An interval of numbers, open or closed at its lower end; its text completes the sentence "must be ...".

    Args:
        low: lower end.
        high: upper end, which is itself allowed; None for no upper end.
        low_allowed: whether the lower end itself is allowed.
    """

    low: float
    high: Optional[float] = None
    low_allowed: bool = True

    def contain(self, number: float) -> bool:
        """Returns whether a number lies within the bounds."""
        above = number >= self.low if self.low_allowed else number > self.low
        return above and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        if self.high is None:
            return f"at least {self.low}" if self.low_allowed else f"above {self.low}"
        return f"from {self.low} to {self.high}" if self.low_allowed else f"above {self.low} and at most {self.high}"


NOT_NEGATIVE = Bounds(0)
POSITIVE = Bounds(0, low_allowed=False)
ONE_OR_MORE = Bounds(1)
FRACTION = Bounds(0, 1)
