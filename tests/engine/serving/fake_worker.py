"""A worker whose detector is played: what it does stands in the image, behind the sign of a PNG file.

Run as a program, it is the worker process of a server under test.
"""
import json
import os
import signal
import sys
import time

from light_head_rcnn.engine.serving.body_images import BadBody, find_image
from light_head_rcnn.engine.serving.worker import Answer, Work, main

SIGN = b"\x89PNG\r\n\x1a\n"


class Played(Work):
    lanes = 2

    def __init__(self, batch):
        self.description = {"classes": ["thing"], "batch": batch}

    def __call__(self, jobs, answer):
        for job in jobs:
            try:
                words = find_image(job.body, job.content_type)[len(SIGN):].decode(errors="replace").split()
            except BadBody as error:
                answer(job, Answer(*error.args))
                continue
            if words[:1] == ["sleep"]:
                time.sleep(float(words[1]))
            elif words == ["die"]:
                os.kill(os.getpid(), signal.SIGSEGV)
                time.sleep(10)
            elif words == ["raise"]:
                raise RuntimeError("a secret of this machine")
            answer(job, Answer(200, json.dumps({"words": words, "batch": len(jobs), "threshold": job.threshold,
                                                "most": job.most, "worker": os.getpid()}), {"queue": job.waited}))


def load(settings):
    if settings["model"] == "broken":
        from light_head_rcnn.errors import CheckpointError
        raise CheckpointError("broken is no detector")
    return Played(int(settings["model"] or 1))


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w")
    main(load)
