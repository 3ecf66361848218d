"""Configurations: the table of keys, reading of files and overrides, and what values mean."""
from .checking import PYRAMID_STRIDES
from .comparing import changed_keys, config_from_checkpoint, saved_config, training_keys, weight_conflicts
from .key import Key
from .keys import DEFAULTS, KEYS
from .loading import file_values, load_config, load_with_sources, overlay_text, values_text, with_overrides, with_values
from .overrides import override_values
from .values import (annotation_files, checkpoint_prefix, dataset_kind, fault_policy, gpu_ids, lr_steps, pixel_keys,
                     pixel_means, pixel_stds, test_scales, train_scales)
from .yaml_files import bundled_names

__all__ = [
    "DEFAULTS", "KEYS", "Key", "PYRAMID_STRIDES", "annotation_files", "bundled_names", "changed_keys",
    "checkpoint_prefix", "config_from_checkpoint", "dataset_kind", "fault_policy", "file_values", "gpu_ids",
    "load_config", "load_with_sources", "lr_steps", "overlay_text", "override_values", "pixel_keys", "pixel_means",
    "pixel_stds", "saved_config", "test_scales", "train_scales", "training_keys", "values_text", "weight_conflicts",
    "with_overrides", "with_values",
]
