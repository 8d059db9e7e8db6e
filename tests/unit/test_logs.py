import logging

import pytest

from shared.logs import LOGGER_NAME, log_for, quiet_libraries, redact

JOB_ID = "01jyg74z6ee6e9y23ceq2fmwc4"


def test_line_carries_its_job(caplog: pytest.LogCaptureFixture) -> None:
    """A line names its job in the text and as a field, and comes from the app's one logger."""
    log_for(JOB_ID).warning("%s failed (try %d)", "submit_render", 2)

    [record] = caplog.records
    assert record.name == LOGGER_NAME
    assert record.getMessage() == f"[{JOB_ID}] submit_render failed (try 2)"
    assert vars(record)["job_id"] == JOB_ID


def test_lines_of_two_jobs_are_kept_apart(caplog: pytest.LogCaptureFixture) -> None:
    """One logger serves all jobs at once."""
    first, second = log_for("first"), log_for("second")

    second.error("b")
    first.error("a")

    assert [vars(record)["job_id"] for record in caplog.records] == ["second", "first"]


@pytest.mark.parametrize(
    ("text", "hidden", "shown"),
    [
        pytest.param("key is abc", ["abc"], "key is [redacted]", id="a value"),
        pytest.param("abc and abc", ["abc"], "[redacted] and [redacted]", id="every occurrence"),
        pytest.param("abcdef", ["abc", "abcdef"], "[redacted]", id="the longer value first"),
        pytest.param("nothing here", ["abc"], "nothing here", id="not there"),
        pytest.param("text", [""], "text", id="an empty value hides nothing"),
        pytest.param("prompt='two\\nlines'", ["two\nlines"], "prompt='[redacted]'", id="a line end in a literal"),
        pytest.param("two\nlines", ["two\nlines"], "[redacted]", id="a line end as it is"),
        pytest.param("""'it\\'s "so"'""", ["""it's "so\""""], "'[redacted]'", id="both quotes in a literal"),
        pytest.param("'\\x00'", ["\x00"], "'[redacted]'", id="a character that is not printable"),
        pytest.param("a.c", ["..."], "a.c", id="values are no patterns"),
    ],
)
def test_hidden_values_are_taken_out(text: str, hidden: list[str], shown: str) -> None:
    """Secrets and prompts leave no trace in a text, also where it shows them as Python literals."""
    assert redact(text, hidden) == shown


def test_libraries_keep_quiet_about_every_request() -> None:
    """What the SDKs say at information level, a page per request, does not reach the log; their warnings do."""
    names = ("azure.core.pipeline.policies.http_logging_policy", "azure.identity.aio", "httpx2")

    quiet_libraries()

    for name in names:
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
        assert logging.getLogger(name).isEnabledFor(logging.WARNING)


def test_exporters_of_telemetry_keep_quiet_about_every_batch() -> None:
    """That they fail is said once, by the app itself."""
    quiet_libraries()

    exporter = logging.getLogger("azure.monitor.opentelemetry.exporter.export._base")
    assert not exporter.isEnabledFor(logging.ERROR)
    assert not logging.getLogger("opentelemetry.sdk.trace.export").isEnabledFor(logging.WARNING)
