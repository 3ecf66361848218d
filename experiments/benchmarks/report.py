"""What every benchmark says: of times their median and quartiles, and the machine that they depend on."""
import os
import platform
import time

import mxnet as mx
import numpy as np


def summary(values):
    """median, low and high (quartiles) of numbers, as a dict of floats."""
    low, median, high = np.percentile(np.asarray(values, float), [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def machine(threads):
    """What timings depend on, and today's date, as a dict of strings and numbers."""
    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    return {"cpu": model, "cpus": os.cpu_count(), "threads": threads, "mxnet": mx.__version__,
            "python": platform.python_version(), "date": time.strftime("%Y-%m-%d")}
