"""The names that Caffe's ResNet gives the units of its stages. The node names of all networks here hold them."""
from typing import List


def residual_unit_names(stage: int, units: int, numbered: bool) -> List[str]:
    """Returns the names of the residual units of a stage, in their order.

    Args:
        stage: 2 to 5.
        units: how many units the stage has.
        numbered: name the units 4a, 4b1, 4b2, ..., as stages 3 and 4 of ResNet-101 and ResNet-152 do; else 2a, 2b, 2c.
    """
    if numbered:
        return [f"{stage}a"] + [f"{stage}b{number}" for number in range(1, units)]
    return [f"{stage}{chr(ord('a') + index)}" for index in range(units)]
