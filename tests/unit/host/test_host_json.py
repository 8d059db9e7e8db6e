"""host.json and the variables that override it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from devtools.host.dispatcher import Limits
from devtools.host.host_json import HostJsonError, HostSettings, read_host_settings
from devtools.host.host_json_names import unknown_names

ROOT = Path(__file__).parents[3]


def app_with(folder: Path, **document: object) -> Path:
    """A folder with this host.json."""
    (folder / "host.json").write_text(json.dumps({"version": "2.0", **document}), encoding="utf-8")
    return folder


def test_empty_host_json_has_the_hosts_defaults(tmp_path: Path) -> None:
    """Half an hour for a function, as in a plan that is not paid by consumption."""
    assert read_host_settings(app_with(tmp_path)) == HostSettings("api", "TestHubName", Limits(), timedelta(minutes=30))


def test_what_is_said_is_read(tmp_path: Path) -> None:
    """Prefix, hub, limits, time-out; the section about queues as it stands."""
    durable = {"hubName": "Hub", "maxConcurrentActivityFunctions": 3, "maxConcurrentOrchestratorFunctions": 2}
    extensions = {"http": {"routePrefix": "/v1/"}, "durableTask": durable, "queues": {"batchSize": 4}}

    settings = read_host_settings(app_with(tmp_path, extensions=extensions, functionTimeout="1.02:03:04"))

    timeout = timedelta(days=1, hours=2, minutes=3, seconds=4)
    assert settings == HostSettings("v1", "Hub", Limits(3, 2), timeout, {"batchsize": 4})


def test_names_are_read_whatever_their_case(tmp_path: Path) -> None:
    """The real host binds them so."""
    extensions = {"HTTP": {"RoutePrefix": "v2"}, "durabletask": {"HUBNAME": "Other"}}

    settings = read_host_settings(app_with(tmp_path, Extensions=extensions))

    assert (settings.route_prefix, settings.task_hub, settings.warnings) == ("v2", "Other", ())


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    """In any case, with `__` or `:` between the names; sections that the file does not have are made."""
    folder = app_with(tmp_path, extensions={"http": {"routePrefix": "v1"}}, functionTimeout="00:01:00")
    environ = {
        "AzureFunctionsJobHost__extensions__http__routePrefix": "v2",
        "AZUREFUNCTIONSJOBHOST__EXTENSIONS__DURABLETASK__MAXCONCURRENTACTIVITYFUNCTIONS": "7",
        "AzureFunctionsJobHost:functionTimeout": "-1",
        "AzureFunctionsJobHostess__functionTimeout": "00:00:01",
    }

    settings = read_host_settings(folder, environ)

    assert (settings.route_prefix, settings.limits.activities, settings.function_timeout) == ("v2", 7, None)


@pytest.mark.parametrize(
    "document",
    [
        {"version": "1.0"},
        {"version": None},
        {"extensions": []},
        {"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}},
        {"extensions": {"durableTask": {"hubName": "my-hub"}}},
        {"functionTimeout": "10 minutes"},
        {"functionTimeout": "00:00:00"},
        {"functionTimeout": 600},
        {"functionTimeout": "-00:00:01"},
    ],
)
def test_what_the_host_could_not_start_with_is_refused(document: dict[str, object], tmp_path: Path) -> None:
    """With the path in the sentence."""
    with pytest.raises(HostJsonError, match=r"host\.json"):
        read_host_settings(app_with(tmp_path, **document))


def test_override_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """It counts as if it stood in the file."""
    folder = app_with(tmp_path)
    environ = {"AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions": "many"}

    with pytest.raises(HostJsonError, match="whole number"):
        read_host_settings(folder, environ)


def test_missing_file_and_no_json_are_refused(tmp_path: Path) -> None:
    """host.json is what makes a folder an app."""
    with pytest.raises(HostJsonError, match=r"There is no host\.json"):
        read_host_settings(tmp_path)
    (tmp_path / "host.json").write_text("{", encoding="utf-8")
    with pytest.raises(HostJsonError, match="not JSON"):
        read_host_settings(tmp_path)


def ignored(name: str) -> str:
    """The sentence about a name."""
    return f"host.json has {name!r}, which the host does not know and ignores."


def test_slip_of_the_pen_is_pointed_out(tmp_path: Path) -> None:
    """The real host ignores it in silence; here the start names it, and what may be meant."""
    extensions = {"durableTask": {"hubname_": 1, "storageProvider": {"anything": 1}}, "queue": {}}

    warnings = read_host_settings(app_with(tmp_path, extensions=extensions, functionTimeOuts=1, zzz=2)).warnings

    assert warnings == (
        f"{ignored('extensions.durableTask.hubname_')} Is 'extensions.durableTask.hubName' meant?",
        f"{ignored('extensions.queue')} Is 'extensions.queues' meant?",
        f"{ignored('functionTimeOuts')} Is 'functionTimeout' meant?",
        ignored("zzz"),
    )


def test_what_the_host_and_editors_write_there_is_no_slip() -> None:
    """A file that the host made says so, and a schema helps to write it."""
    document = {"$schema": "https://json.example", "isDefaultHostConfig": True, "metadataProviderTimeout": "00:00:30"}

    assert list(unknown_names(document)) == []


@pytest.mark.parametrize("text", ["-1", -1, "-1.00:00:00"])
def test_minus_one_is_no_timeout(text: object, tmp_path: Path) -> None:
    """To the host it is a day less than nothing."""
    assert read_host_settings(app_with(tmp_path, functionTimeout=text)).function_timeout is None


def test_the_apps_own_host_json_has_no_slip() -> None:
    """Nor do those of the apps that tests run."""
    for path in (ROOT / "host.json", *(ROOT / "tests").rglob("host.json")):
        assert list(unknown_names(json.loads(path.read_text(encoding="utf-8")))) == [], path
