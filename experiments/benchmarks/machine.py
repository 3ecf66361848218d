"""The machine that timings depend on."""
import ctypes
import os
import platform
import time
from typing import Any, Dict

from ...cores import processor_entry

# What decides how fast matrices are multiplied in float32, bfloat16 and int8, as Linux names it.
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def threads_in_use() -> int:
    """Returns how many threads MXNet's CPU operators use.

    The number is asked of the OpenMP library itself: it reads OMP_NUM_THREADS once, when it is loaded, and later
    changes of the environment do not reach it. This does not load MXNet.
    """
    return ctypes.CDLL("libgomp.so.1").omp_get_max_threads()


def describe_machine() -> Dict[str, Any]:
    """Returns what timings depend on: cpu (model name), cpus (logical processors), features (those of `FEATURES` that
    the processor has), threads (of MXNet's CPU operators), mxnet and python (versions), and date (today,
    YYYY-MM-DD)."""
    import mxnet as mx
    flags = processor_entry("flags").split()
    return {"cpu": processor_entry("model name") or platform.processor(), "cpus": os.cpu_count(),
            "features": [feature for feature in FEATURES if feature in flags], "threads": threads_in_use(),
            "mxnet": mx.__version__, "python": platform.python_version(), "date": time.strftime("%Y-%m-%d")}
