"""Requests that wait for their answers, and the reasons why a request gets none."""
import asyncio
import time
from typing import Dict, NamedTuple, Optional


class Refusal(Exception):
    """An answer that is no detection.

    Args:
        status: of HTTP.
        text: what is wrong, and what to do, in one line that tells nothing of this machine.
        retry_after: seconds after which the same request may succeed.
    """

    def __init__(self, status: int, text: str, retry_after: Optional[int] = None):
        super().__init__(text)
        self.status, self.text, self.retry_after = status, text, retry_after


class Result(NamedTuple):
    """An answer with detections, as the worker wrote it.

    Attributes:
        text: JSON.
        seconds: by stage of the work.
    """

    text: bytes
    seconds: Dict[str, float]


class Pending:
    """A request in the queue or in a worker.

    Args:
        body, content_type, threshold, most: see `worker.Job`.

    Attributes:
        future: gets the `Result`, or a `Refusal` as its exception.
        is_suspect: a worker ended while it had this image, and perhaps because of it: the image goes alone then.
    """

    def __init__(self, body: bytes, content_type: str, threshold: float, most: Optional[int]):
        self.body, self.content_type, self.threshold, self.most = body, content_type, threshold, most
        self.future: "asyncio.Future[Result]" = asyncio.get_running_loop().create_future()
        self.arrived, self.is_suspect = time.perf_counter(), False

    def head(self, number: int) -> Dict:
        """What a worker is told beside the body."""
        return {"number": number, "content_type": self.content_type, "threshold": self.threshold, "most": self.most,
                "waited": time.perf_counter() - self.arrived, "length": len(self.body)}

    def finish(self, result: Result) -> None:
        """Gives the answer, if anybody still waits for it."""
        if not self.future.done():
            self.future.set_result(result)

    def refuse(self, refusal: Refusal) -> None:
        """Gives no answer, if anybody still waits for one."""
        if not self.future.done():
            self.future.set_exception(refusal)
