"""The renderers for tests, which encode nothing."""

from pathlib import Path

import pytest

from devtools.sora_sim.rendering import CopyRenderer
from tests.support.videos import video_file
from tests.unit.sora_sim.conftest import simulated


async def test_each_job_gets_a_copy_of_the_prepared_film(tmp_path: Path) -> None:
    """A real one, as it was when the renderer was made; beside the copies nothing is left."""
    film, state = tmp_path / "film.mp4", tmp_path / "state"
    whole = video_file()
    film.write_bytes(whole)
    renderer = CopyRenderer(film)
    film.unlink()

    async with simulated(state, renderer) as simulator:
        jobs = [await simulator.completed(prompt, size="64x48") for prompt in ("one", "two")]
        contents = [(await simulator.http.get(f"/v1/videos/{job['id']}/content")).content for job in jobs]

    assert contents == [whole, whole]
    assert [order.prompt for order in renderer.orders] == ["one", "two"]
    assert {path.name for path in (state / "videos").iterdir()} == {f"{job['id']}.mp4" for job in jobs}


def test_a_film_that_is_not_there_is_noticed_at_once(tmp_path: Path) -> None:
    """Not when the first job fails."""
    with pytest.raises(FileNotFoundError):
        CopyRenderer(tmp_path / "missing.mp4")
