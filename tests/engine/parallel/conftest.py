"""Starts processes of one group on loopback, with a hard bound of their time."""
import os
import subprocess
import sys

import pytest

from light_head_rcnn.engine.parallel.launching import free_port

SERVE = "import sys; from light_head_rcnn.engine.parallel.server import serve; sys.exit(serve())"
SECONDS = 100  # of a machine that is busy; alone it takes less than ten


class Processes:
    """A scheduler, a server and workers that run one script each; all are ended when the block is left.

    Args:
        workers: number of workers.
        words: of the command line of each worker, behind "python".
        environment: more variables.
    """

    def __init__(self, workers, words, **environment):
        shared = dict(os.environ, DMLC_PS_ROOT_URI="127.0.0.1", DMLC_PS_ROOT_PORT=str(free_port()), DMLC_NUM_SERVER="1",
                      DMLC_NUM_WORKER=str(workers), DMLC_NODE_HOST="127.0.0.1", OMP_NUM_THREADS="1", **environment)
        roles = [("scheduler", ["-c", SERVE], {}), ("server", ["-c", SERVE], {})]
        roles += [("worker", words, {"DMLC_WORKER_ID": str(number)}) for number in range(workers)]
        self.all = [subprocess.Popen([sys.executable, *command], env=dict(shared, DMLC_ROLE=role, **more),
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                    for role, command, more in roles]
        self.workers = self.all[2:]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in self.all:
            process.kill()
            process.wait()
            process.stdout.close()

    def outputs(self):
        """Waits for the workers; returns the output of each."""
        return [worker.communicate(timeout=SECONDS)[0] for worker in self.workers]

    def wait(self):
        """Waits for the workers, and fails unless all of them ended with 0."""
        outputs = self.outputs()
        assert [worker.returncode for worker in self.workers] == [0] * len(self.workers), "\n".join(outputs)


@pytest.fixture(scope="session")
def start():
    return Processes
