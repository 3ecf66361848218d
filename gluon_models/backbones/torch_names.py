"""From the names of PyTorch's state dicts to those of the parameters here. Imports nothing: tests load it anywhere."""
from typing import Optional

# Endings of a PyTorch batch normalisation, and those of `layers.BatchNorm`.
_NORM_ENDINGS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}


def gluon_name(torch_key: str, is_norm: bool) -> Optional[str]:
    """Returns the name of the parameter here that a tensor of a state dict becomes.

    Example:
        >>> gluon_name("stage2.OSA2_1.concat.OSA2_1_concat/norm.weight", is_norm=True)
        'stage2_OSA2_1_concat_OSA2_1_concat_norm_gamma'

    Args:
        torch_key: the tensor's key, as the authors of the network publish it, without prefixes such as "module.".
        is_norm: whether the tensor belongs to a batch normalisation, whose module has a `running_mean` or a
            `running_var`.

    Returns:
        The name, or None where no parameter here corresponds to the tensor, such as for `num_batches_tracked`.
    """
    module, _, ending = torch_key.rpartition(".")
    if is_norm:
        ending = _NORM_ENDINGS.get(ending, "")
    return f"{node_name(module)}_{ending}" if ending and ending != "num_batches_tracked" else None


def node_name(torch_module: str) -> str:
    """Returns the name of a layer here: that of its module in PyTorch with "_" in place of "." and "/"."""
    return torch_module.replace(".", "_").replace("/", "_")
