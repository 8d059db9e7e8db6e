from pathlib import Path
from typing import Any

import pytest

from devtools.sora_sim.settings import SimulatorSettings
from devtools.sora_sim.state_lock import StateInUseError, locked


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"render_seconds": -1}, "render seconds"),
        ({"render_seconds": float("nan")}, "render seconds"),
        ({"max_running": 0}, "max running"),
        ({"max_jobs": 0}, "max jobs"),
    ],
)
def test_a_senseless_setting_is_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    """The sentence tells the operator which one."""
    with pytest.raises(ValueError, match=named):
        SimulatorSettings(state=Path("unused"), **wrong)


def test_a_state_folder_has_one_holder_at_a_time(tmp_path: Path) -> None:
    """The second is refused until the first lets go."""
    with locked(tmp_path), pytest.raises(StateInUseError, match="another simulator"), locked(tmp_path):
        pass

    with locked(tmp_path):
        pass
