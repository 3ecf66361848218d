"""The machine that timings depend on."""
import ctypes
import os
import platform
import time
from typing import Any, Dict


def threads_in_use() -> int:
    """Returns how many threads MXNet's CPU operators use.

    The number is asked of the OpenMP library itself: it reads OMP_NUM_THREADS once, when it is loaded, and later
    changes of the environment do not reach it. This does not load MXNet.
    """
    return ctypes.CDLL("libgomp.so.1").omp_get_max_threads()


def describe_machine() -> Dict[str, Any]:
    """Returns what timings depend on: cpu (model name), cpus (logical processors), threads (of MXNet's CPU operators),
    mxnet and python (versions), and date (today, YYYY-MM-DD)."""
    import mxnet as mx
    return {"cpu": _processor_model(), "cpus": os.cpu_count(), "threads": threads_in_use(), "mxnet": mx.__version__,
            "python": platform.python_version(), "date": time.strftime("%Y-%m-%d")}


def _processor_model() -> str:
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor()
