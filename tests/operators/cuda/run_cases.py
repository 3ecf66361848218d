"""Runs the checks of cases.py in a process of its own, which a sanitizer may watch.

Usage: python run_cases.py CPU_LIBRARY DEVICE_LIBRARY host|torch FIRST_SEED COUNT
"""
import sys

import cases
import interface


def main(cpu, device, kind, first, count):
    arrays = interface.HostDevice if kind == "host" else interface.TorchDevice()
    pair = cases.Pair(interface.Kernels(cpu), interface.Kernels(device, arrays), exact=kind == "host")
    for seed in range(int(first), int(first) + int(count)):
        for check in cases.CHECKS:
            print(check.__name__, seed, flush=True)
            check(pair, seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
