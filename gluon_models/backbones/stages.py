"""The stages of a backbone: their channels and strides, and the dilation that takes the place of strides."""
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple, Union

from ...errors import ModelError

# From a side of a map to the side of the map of half that size.
Halving = Callable[[int], int]
OUTPUT_STRIDES = (8, 16, 32)
STEM = "stem"


def half_up(side: int) -> int:
    """The rule of layers of stride 2 that are padded on both sides: an odd side gives one cell more."""
    return (side + 1) // 2


def half_down(side: int) -> int:
    """The rule of pooling 2x2 without padding, and of pooling 3x3 without padding whose last window may reach over."""
    return side // 2


class Part(NamedTuple):
    """A part of a backbone as classifiers have it. The first part is the stem, the others are the stages.

    Attributes:
        name: "stem" or the name of the stage.
        channels: channels of its output.
        halvings: for each halving of the map, how the side is rounded. A stage halves once, in its first unit, or
            never.
    """

    name: str
    channels: int
    halvings: Tuple[Halving, ...] = ()


class Stage(NamedTuple):
    """A part of a backbone as it is built.

    Attributes:
        name, channels: see `Part`.
        level: log2 of the stride of its output in the classifier: 4 for 16 pixels a cell.
        stride: pixels of the input from one cell of its output to the next, as built.
        step: stride of its first unit, as built: 1 or 2; of the stem, its whole stride.
        dilation: dilation of its 3x3 and larger convolutions.
        first_dilation: dilation of those of its layers that stand before the place of a stride that was taken out.
        halvings: see `Part`, as built.
    """

    name: str
    channels: int
    level: int
    stride: int
    step: int
    dilation: int
    first_dilation: int
    halvings: Tuple[Halving, ...]

    @property
    def was_strided(self) -> bool:
        """Whether dilation has taken the place of this stage's stride."""
        return self.dilation != self.first_dilation


def plan_stages(parts: Sequence[Part], output_stride: int) -> List[Stage]:
    """Decides which stages stride and which ones are dilated instead (Chen et al., arXiv 1606.00915, section 3.1).

    Args:
        parts: the parts of the classifier, the stem first.
        output_stride: 8, 16 or 32. A stage that would make the stride larger does not stride; it and all stages behind
            it are dilated by two more.

    Raises:
        ModelError: another output stride.
    """
    if output_stride not in OUTPUT_STRIDES:
        raise ModelError(f"output_stride is {output_stride!r}; known: {', '.join(map(str, OUTPUT_STRIDES))}")
    planned, level, stride, dilation = [], 0, 1, 1
    for part in parts:
        level += len(part.halvings)
        step, halvings, before = 2 ** len(part.halvings), part.halvings, dilation
        if stride * step > output_stride:
            dilation, step, halvings = dilation * step, 1, ()
        stride *= step
        planned.append(Stage(part.name, part.channels, level, stride, step, dilation, before, halvings))
    return planned


def two_map_names(stages: Sequence[Stage]) -> Tuple[str, str]:
    """Returns the stages of a detector with two maps: for the RPN the last one of half the largest stride, 16; for the
    head the last one of all."""
    return _last_of_level(stages, stages[-1].level - 1), stages[-1].name


def pyramid_names(stages: Sequence[Stage]) -> Tuple[str, ...]:
    """Returns the stages, or the stem, that are the levels of a pyramid: the last one of each of the levels 2 to 5."""
    return tuple(_last_of_level(stages, level) for level in (2, 3, 4, 5))


def map_sides(chains: Sequence[Sequence[Halving]], single: bool, side: int) -> Union[int, Tuple[int, ...]]:
    """Returns the sides of maps for a side of the input. It uses no arrays, so that data workers can call it.

    Args:
        chains: for each map, the halvings from the input to it.
        single: whether all maps have one side, which is returned as a number.
        side: in pixels.

    Returns:
        The side in cells, or a tuple of the sides.
    """
    sides = []
    for chain in chains:
        cells = side
        for halve in chain:
            cells = halve(cells)
        sides.append(cells)
    return sides[0] if single else tuple(sides)


def _last_of_level(stages: Sequence[Stage], level: int) -> str:
    found: Optional[str] = None
    for stage in stages:
        if stage.level == level:
            found = stage.name
    if found is None:
        raise ModelError(f"the backbone has no stage of stride {2 ** level}")
    return found
