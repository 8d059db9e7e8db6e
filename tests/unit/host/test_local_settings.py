"""`local.settings.json` as `devtools.host` takes it; what it may say of `Host` is tested with the stack's settings."""

import json
from pathlib import Path

import pytest

from devtools.host.local_settings import SettingsFileError, hand_over, load_host_start, load_values


def test_value_goes_where_none_is_set() -> None:
    """The environment wins, and who reads the log learns it."""
    environ = {"SET": "here"}

    assert hand_over({"SET": "there", "NEW": "there"}, environ) == ["SET"]
    assert environ == {"SET": "here", "NEW": "there"}


@pytest.mark.parametrize("load", [load_values, load_host_start])
def test_encrypted_file_is_refused(load: object, tmp_path: Path) -> None:
    """Its values would be taken for the settings themselves."""
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"IsEncrypted": True, "Values": {"A": "CfDJ8"}}), encoding="utf-8")

    with pytest.raises(SettingsFileError, match="encrypted"):
        load(path)  # type: ignore[operator]
