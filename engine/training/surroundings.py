"""What a training depends on beside its configuration: versions, the state of the checkout, the machine, the data."""
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, List, Optional

import mxnet as mx
import numpy as np

from ... import data
from ...cores import processor_entry
from ...data.record_columns import image_field, joined_field, object_counts, record_paths
from ...runtime import available_threads

_PACKAGES = ("light-head-rcnn", "mxnet", "mxnet-cu112", "numpy", "Pillow", "PyYAML", "yacs", "pycocotools", "tqdm",
             "gluoncv", "horovod", "onnx", "onnxruntime", "openvino", "tensorboardX", "opencv-python-headless")
# Environment variables that change what a training does; no others are recorded, for they may hold secrets.
_VARIABLES = ("MXNET_", "OMP_", "DMLC_", "HOROVOD_", "MKLDNN_", "DNNL_", "KMP_", "CUDA_VISIBLE_DEVICES")
_SECRET = ("SECRET", "TOKEN", "PASSWORD", "KEY", "CREDENTIAL")
_GIT_SECONDS = 10


def describe_process() -> Dict[str, Any]:
    """Returns the command, the folder that it runs in, the process, the versions, the checkout and the machine."""
    # A process of `lhrcnn launch` is one of Python's own, whose first word is -c.
    command = ["lhrcnn" if sys.argv[0] == "-c" else sys.argv[0], *sys.argv[1:]]
    return {"command": command, "working_folder": os.getcwd(), "process": os.getpid(), "versions": versions(),
            "checkout": checkout_state(Path(__file__).resolve().parents[2]), "machine": machine(),
            "environment": environment()}


def versions() -> Dict[str, str]:
    """Returns the versions of Python and of the packages that are installed and matter, by name."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def checkout_state(folder: Path) -> Optional[Dict[str, Any]]:
    """Returns the commit of a git checkout, and whether its files are as in it.

    Args:
        folder: of the package.

    Returns:
        "commit" and "uncommitted_changes" (bool; files that git does not know count too). None where the folder is not
        the top of a checkout, or git is not installed or does not answer.
    """
    try:
        if Path(_git(folder, "rev-parse", "--show-toplevel").strip()).resolve() != folder:
            return None
        return {"commit": _git(folder, "rev-parse", "HEAD").strip(),
                "uncommitted_changes": bool(_git(folder, "status", "--porcelain").strip())}
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git")
    return subprocess.run([program, "--no-optional-locks", "-C", str(folder), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=_GIT_SECONDS, check=True,
                          universal_newlines=True).stdout


def machine() -> Dict[str, Any]:
    """Returns the shape of the machine: system, processor, logical processors, threads, memory in MB, and GPUs."""
    return {"name": platform.node(), "system": platform.platform(),
            "processor": processor_entry("model name") or platform.processor(),
            "processors": os.cpu_count(), "threads": available_threads().count, "memory_mb": _memory(),
            "gpus": mx.context.num_gpus()}


def environment() -> Dict[str, str]:
    """Returns the environment variables that change what a training does, and are no secrets, by name."""
    return {name: value for name, value in sorted(os.environ.items())
            if name.startswith(_VARIABLES) and not any(word in name.upper() for word in _SECRET)}


def data_summary(dataset: data.Dataset) -> Dict[str, Any]:
    """Returns what a data set holds, see `Dataset.report`, where it lies, and a fingerprint of its annotations."""
    return {"path": str(dataset.path), **dataset.report(), "fingerprint": fingerprint(dataset)}


def fingerprint(dataset: data.Dataset) -> str:
    """Returns a checksum of the annotations that were read: names and sizes of the images, classes and boxes.

    Two data sets with the same one train the same network, unless the pixels differ. It does not depend on the folder
    that the images are in.
    """
    records, digest = dataset.records, hashlib.sha256()
    digest.update("\n".join(dataset.classes).encode())
    arrays: List[np.ndarray] = [image_field(records, name) for name in ("width", "height", "upright")]
    arrays += [object_counts(records), object_counts(records, "regions")]
    arrays += [joined_field(records, name) for name in ("boxes", "classes", "difficult", "crowd", "ignored", "regions")]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    for path in record_paths(records):
        digest.update(os.path.basename(path).encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 ** 20
    except (ValueError, OSError):
        return 0
