"""`local.settings.json` as `devtools.host` takes it; what it may say of `Host` is tested with the stack's settings."""

import json
from pathlib import Path

import pytest

from devtools.host.local_settings import (
    SettingsFileError,
    hand_over,
    load_app_settings,
    load_host_start,
    load_values,
)


def test_value_goes_where_none_is_set() -> None:
    """The environment wins, and who reads the log learns it."""
    environ = {"SET": "here", "EMPTY": ""}

    assert hand_over({"SET": "there", "EMPTY": "there", "NEW": "there"}, environ) == ["SET"]
    assert environ == {"SET": "here", "EMPTY": "there", "NEW": "there"}


@pytest.mark.parametrize("load", [load_app_settings, load_values, load_host_start])
def test_encrypted_file_is_refused(load: object, tmp_path: Path) -> None:
    """Its values would be taken for the settings themselves."""
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"IsEncrypted": True, "Values": {"A": "CfDJ8"}}), encoding="utf-8")

    with pytest.raises(SettingsFileError, match="encrypted"):
        load(path)  # type: ignore[operator]


@pytest.mark.parametrize("document", [{"Values": {"A": "1"}}, {"IsEncrypted": None, "Values": {"A": "1"}}])
def test_values_of_which_nothing_is_said_count_as_encrypted(document: object, tmp_path: Path) -> None:
    """Core Tools would try to decrypt them, and fail."""
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    with pytest.raises(SettingsFileError, match='"IsEncrypted": false'):
        load_app_settings(path)


@pytest.mark.parametrize(
    ("document", "values"),
    [
        ({}, {}),
        ({"Host": {"LocalHttpPort": 8000}}, {}),
        ({"Values": {}}, {}),
        ({"IsEncrypted": False, "Values": {"A": "1"}}, {"A": "1"}),
    ],
)
def test_file_need_not_have_values(document: object, values: dict[str, str], tmp_path: Path) -> None:
    """It may say how the host is started and no more."""
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    assert load_app_settings(path) == values


def test_file_that_is_no_object_is_refused(tmp_path: Path) -> None:
    """Nothing could be read from it."""
    path = tmp_path / "local.settings.json"
    path.write_text("[]", encoding="utf-8")

    with pytest.raises(SettingsFileError, match="must be an object"):
        load_app_settings(path)
