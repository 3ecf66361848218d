"""Runs the checks of cases.py without pytest, for a sanitizer that watches the process or a machine without pytest.

Usage: python run_cases.py CPU_LIBRARY DEVICE_LIBRARY host|torch FIRST_SEED COUNT
"""
import sys

import cases
import interface


def main(cpu, device, kind, first, count):
    """Runs every check with the seeds first .. first + count - 1; the arguments are those of the command line."""
    arrays = interface.HostDevice if kind == "host" else interface.TorchDevice()
    pair = cases.Pair(interface.Kernels(cpu), interface.Kernels(device, arrays), exact=kind == "host")
    for seed in range(int(first), int(first) + int(count)):
        for check in cases.CHECKS:
            print(check.__name__, seed, flush=True)
            check(pair, seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
