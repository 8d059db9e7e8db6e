"""A job that is cancelled while nobody knows whether its submission was accepted stays that job."""

from pathlib import Path

import pytest

from devtools.fakes.fake_provider import ANSWER_LOST, FakeVideoProvider, Outcome
from shared.errors import ProviderAmbiguous
from tests.support.whole_app import START, film, whole_app

UNAVAILABLE = ProviderAmbiguous("upstream_unavailable", "HTTP 503")


@pytest.mark.parametrize(("answer", "renders"), [(UNAVAILABLE, 0), (ANSWER_LOST, 1)])
async def test_its_key_still_stands_for_it(tmp_path: Path, answer: Outcome, renders: int) -> None:
    """Whoever repeats the request gets the cancelled job, not another one to pay for."""
    provider = FakeVideoProvider(file=film(), looks_needed=2, now=lambda: START)
    provider.script("submit", answer)
    async with whole_app(tmp_path, provider=provider) as town:
        job_id = await town.submit("a calm lake", "key")
        await town.settle()

        await town.cancel(job_id)
        await town.pass_time(minutes=2)
        repeated = await town.submit("a calm lake", "key")

        assert repeated == job_id
        assert await town.status(job_id) == "failed"
        await town.pass_time(minutes=10)
    assert len(provider.renders) == renders
