"""Runs one process of a group on its machine, for `lhrcnn launch`, which starts this file's text by `python -c`.

It needs nothing but Python. Its arguments are the command. On its standard input it reads numbers of signals, one a
line, and sends them to the command; when the input ends, the launcher is gone, and so the command is ended too. Its
exit status is the command's, or 128 and the number of the signal that ended it.
"""
import os
import signal
import subprocess
import sys
import threading
import time

GRACE = 10  # seconds in which a command that has lost its launcher may end by itself


def main() -> int:
    """Runs the command; returns the exit status."""
    # A session of its own: what a terminal sends to all of its processes comes by the launcher alone.
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def send(number: int) -> None:
        try:
            if number == signal.SIGKILL:
                os.killpg(child.pid, number)
            elif child.poll() is None:
                os.kill(child.pid, number)
        except ProcessLookupError:
            pass

    def listen() -> None:
        for line in sys.stdin:
            send(int(line))
        send(signal.SIGCONT)  # one that is stopped would not end
        send(signal.SIGTERM)
        time.sleep(GRACE)
        send(signal.SIGKILL)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, frame: send(received))
    threading.Thread(target=listen, daemon=True).start()
    status = child.wait()
    send(signal.SIGKILL)  # whatever it has left running
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    exit_status = main()
    sys.stdout.flush()
    os._exit(exit_status)  # the thread that listens may hold the standard input
