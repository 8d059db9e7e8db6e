"""What has been done to the app and what its callers have been told, held against each other: no hypothesis in here.

`Life` does one thing after the other and remembers the answers; `promises.py` says what must be true after each.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.whole_app import START, film
from tests.unit.api.calling import Answer
from tests.whole.troubled_app import TroubledApp

UNKNOWN_JOB = "01jyg74z6ee6e9y23ceq2fmwc4"

LONGEST_LIFE = timedelta(hours=16)
"""Much less than the two days for which keys are kept at least after the end of their jobs."""

CANCELLED = "Job was cancelled"

TWIN = "what everybody asks for"


@dataclass
class Seen:
    """What a job's owner has been told of it; `ended` is the answer of the status route that said so."""

    job_id: str
    prompt: str
    word: str = "queued"
    ended: dict[str, Any] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    cancelled: bool = False
    downloaded: bool = False


@dataclass
class Life:
    """One app and its callers. Their requests are numbered; a number stands for its job where it became one.

    `orders` says how many renders of a prompt may be paid for.
    """

    app: TroubledApp
    jobs: dict[str, Seen] = field(default_factory=dict)
    requests: list[str | None] = field(default_factory=list)
    keys: dict[str, Seen] = field(default_factory=dict)
    orders: Counter[str] = field(default_factory=Counter)

    async def submit(self) -> None:
        """Ask for something that nobody else asks for."""
        prompt = f"request {len(self.requests)}"
        self.orders[prompt] = 1
        await self._send(prompt, None)

    async def submit_twin(self) -> None:
        """Ask for the same as others."""
        self.orders[TWIN] += 1
        await self._send(TWIN, None)

    async def submit_with_key(self, key: str, variant: int, *, times: int) -> None:
        """Send a request with a key, so many times at once; the same one whenever it has the same variant."""
        prompt = f"key {key}, variant {variant}"
        self.orders[prompt] = 1
        await self._send(prompt, key, times=times)

    async def _send(self, prompt: str, key: str | None, *, times: int = 1) -> None:
        number = len(self.requests)
        before = self.app.troubles
        answers = await self.app.asked(*(self.app.post(prompt, key) for _ in range(times)))
        self.requests.append(None)
        for answer in answers or []:
            job = self._learnt(answer, key, prompt, well=self.app.troubles == before)
            if job is not None:
                self.requests[number] = job.job_id

    def _learnt(self, answer: Answer, key: str | None, prompt: str, *, well: bool) -> Seen | None:
        known = None if key is None else self.keys.get(key)
        if answer.status == 200:
            job_id = json.loads(answer.body)["job_id"]
            assert known is None or (known.job_id == job_id and known.prompt == prompt), f"{known} became {job_id}"
            assert known is not None or job_id not in self.jobs, f"{job_id} was given away twice"
            job = self.jobs.setdefault(job_id, Seen(job_id, prompt))
            if key is not None:
                self.keys[key] = job
            return job
        if answer.status == 422:
            assert key is not None, "a request without a key was taken for another"
            assert known is None or known.prompt != prompt, f"{known} was taken for another request"
        else:
            assert answer.status == 500, answer
            assert not well, "a request was refused although all was well"
        return None

    def job(self, number: int) -> Seen | None:
        """Return the job that a request became, None where it became none or there is no such request."""
        job_id = self.requests[number % len(self.requests)] if self.requests else None
        return None if job_id is None else self.jobs[job_id]

    async def cancel(self, number: int) -> None:
        """Cancel the job of a request, or one that nobody has heard of."""
        job = self.job(number)
        before = self.app.troubles
        answers = await self.app.asked(self.app.cancel(job.job_id if job else UNKNOWN_JOB))
        if answers is None:
            return
        answer = answers[0]
        if job is None:
            assert answer.status in (404, 500), answer
        elif answer.status == 500:
            assert self.app.troubles > before, f"a job could not be cancelled although all was well: {answer}"
        else:
            assert answer.status == 200, f"{job} cannot be cancelled: {answer}"
            self._told(job, json.loads(answer.body))
            job.cancelled = job.cancelled or job.details["code"] == "cancelled"

    async def read_everything(self) -> None:
        """Read all jobs by both routes, and hold what they say against what they said before."""
        await self.app.settle()
        for job in list(self.jobs.values()):
            if not await self._read(job):
                return  # the process has died over it

    async def _read(self, job: Seen) -> bool:
        before = self.app.troubles
        path = f"/api/status/{job.job_id}"
        answers = await self.app.asked(self.app.call("status", "GET", path, job_id=job.job_id))
        if answers is None:
            return False
        status = answers[0]
        path = f"/api/jobs/{job.job_id}"
        answers = await self.app.asked(self.app.call("job", "GET", path, job_id=job.job_id))
        if answers is None:
            return False
        if status.status == 200:
            self._read_status(job, json.loads(status.body))
        if answers[0].status == 200:
            self._told(job, json.loads(answers[0].body))
        for answer in (status, answers[0]):
            readable = answer.status == 200 or (answer.status == 500 and self.app.troubles > before)
            assert readable, f"{job} cannot be read: {answer}"
        return True

    def _read_status(self, job: Seen, said: dict[str, Any]) -> None:
        assert job.ended in (None, said), f"{job} had ended, and now is {said}"
        assert _rank(job.word) <= _rank(said["status"]), f"{job} went back to {said}"
        job.word = said["status"]
        if job.word in ("completed", "failed"):
            job.ended = said

    def _told(self, job: Seen, said: dict[str, Any]) -> None:
        assert _rank(job.word) <= _rank(said["status"]), f"{job} went back to {said}"
        if job.ended is not None:
            assert said["status"] == job.word, f"{job} had ended, and now is {said}"
            assert said["error"] == job.ended.get("error"), f"{job} had ended, and now is {said}"
        for step, at in job.details.get("times", {}).items():
            assert at in (None, said["times"][step]), f"{step} of {job} was {at}, and now is {said}"
        job.details = said
        job.word = said["status"]

    async def download(self, job: Seen) -> bytes | None:
        """Return the file that a completed job delivers, None where it has expired; fail where it is not the video."""
        answers = await self.app.asked(self.app.download(job.job_id))
        assert answers is not None
        if job.details["video_url"] is None:
            assert answers[0].status == 404, answers[0]
            return None
        assert (answers[0].status, answers[0].body) == (200, film()), f"{job} delivers {answers[0]}"
        return answers[0].body

    @property
    def is_old(self) -> bool:
        """Whether enough time has passed."""
        return self.app.clock.now() >= START + LONGEST_LIFE


def _rank(word: str) -> int:
    return {"queued": 0, "processing": 1, "completed": 2, "failed": 2}[word]
