"""The machine that timings depend on."""
import ctypes
import os
import platform
import time
from typing import Any, Dict


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
    flags = _processor_line("flags").split()
    return {"cpu": _processor_line("model name") or platform.processor(), "cpus": os.cpu_count(),
            "features": [feature for feature in FEATURES if feature in flags], "threads": threads_in_use(),
            "mxnet": mx.__version__, "python": platform.python_version(), "date": time.strftime("%Y-%m-%d")}


def _processor_line(name: str) -> str:
    """What Linux says of the processor under a name; nothing where it says nothing."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith(name):
                    return line.split(":", 1)[1].strip()
    return ""
