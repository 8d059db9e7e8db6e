"""The templates hang together: what is named is declared, what a module needs it is given, what azd knows it is told.

No compiler of Bicep is needed for this; the first `azd provision` is the compiler's turn.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.infra.bicep import INFRA, MAIN, called, main_template, templates

pytestmark = pytest.mark.timeout(300)  # the first test may make the environment

FILES: Final = sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep"))
ASKED: Final = {"environmentName", "location", "videoService", "videoModel"}
"""What `azd up` asks whoever has set nothing; the first two it would ask in any case."""


def parameters_file() -> dict[str, Any]:
    """What azd fills in, by parameter."""
    text = MAIN.with_name("main.parameters.json").read_text(encoding="utf-8")
    return {name: entry["value"] for name, entry in json.loads(text)["parameters"].items()}


@pytest.mark.parametrize("name", FILES)
def test_every_symbol_is_declared(name: str) -> None:
    """A misspelt symbol is found here, not by the first who deploys."""
    template = templates()[name]

    assert template.referenced - set(template.declared) == set()


@pytest.mark.parametrize("name", FILES)
def test_every_symbol_is_used_and_declared_once(name: str) -> None:
    """Nothing is left over: resources and modules are made for their own sake, all else is used."""
    template = templates()[name]
    for_their_own_sake = set(template.resources) | set(template.modules)

    assert set(template.declared) - template.referenced - for_their_own_sake == set()
    assert len(template.declared) == len(set(template.declared))


@pytest.mark.parametrize("name", FILES)
def test_functions_are_spelt_as_bicep_has_them(name: str) -> None:
    """Only functions and decorators of a short list are used."""
    assert templates()[name].unknown_functions == set()


@pytest.mark.parametrize("name", FILES)
def test_every_parameter_and_output_is_described(name: str) -> None:
    """Whoever is asked for a parameter by azd, or reads the template, is told what it is."""
    template = templates()[name]
    described = {
        symbol
        for symbol, declaration in {**template.parameters, **template.parsed.get("outputs", {})}.items()
        if any(decorator["type"] == "description" for decorator in declaration["decorators"])
    }

    assert set(template.parameters) | template.outputs == described


@pytest.mark.parametrize("name", FILES)
def test_modules_are_given_what_they_take(name: str) -> None:
    """Every parameter without a default is given, and none that the module does not have."""
    template = templates()[name]

    for symbol, module in template.modules.items():
        given = set(module["config"]["params"])
        taken = called(module, template)
        assert taken.required <= given, symbol
        assert given <= set(taken.parameters), symbol


def test_outputs_that_are_read_are_given() -> None:
    """`storage.outputs.name` needs an output `name` in the storage module."""
    template = main_template()
    read = re.findall(r"\b(\w+)!?\.outputs\.(\w+)", template.text)

    assert read
    assert {(module, output) for module, output in read if output not in called_outputs(module)} == set()


def called_outputs(symbol: str) -> set[str]:
    """Outputs of a module of main.bicep."""
    template = main_template()
    return called(template.modules[symbol], template).outputs


def test_outputs_of_what_may_not_be_there_are_read_under_a_condition() -> None:
    """A module that is made under a condition has no outputs without it: each reading of them is in a choice."""
    main = main_template()
    conditional = {symbol for symbol, module in main.parsed["modules"].items() if module["config"].get("condition")}
    values = [*main.parsed["variables"].values(), *main.parsed["outputs"].values()]

    assert conditional == set(re.findall(r"\b(\w+)!\.outputs", main.text))
    assert conditional & {symbol for value in values for symbol in read_in_any_case(value["value"])} == set()


def read_in_any_case(value: Any) -> Iterator[str]:
    """Modules whose outputs are read by an expression whatever its choices come to."""
    if isinstance(value, list):
        for item in value:
            yield from read_in_any_case(item)
    elif isinstance(value, dict):
        operator = value.get("operator", {})
        if operator.get("type") == "conditional":
            yield from read_in_any_case(operator["operands"]["condition"])
        elif operator.get("type") == "property_accessor" and "outputs" in str(operator["operands"]["operand_2"]):
            yield str(operator["operands"]["operand_1"])
        else:
            for item in value.values():
                yield from read_in_any_case(item)
    elif isinstance(value, str):
        yield from re.findall(r"\$\{(\w+)!?\.outputs", value)


@pytest.mark.parametrize("name", FILES)
def test_api_versions_are_released_ones(name: str) -> None:
    """A date and no preview, so that the template works next year."""
    versions = {resource["api_version"] for resource in templates()[name].resources.values()}

    assert all(re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", version) for version in versions)


def test_a_type_of_resource_has_one_api_version() -> None:
    """What is made under one version is referred to under the same."""
    used = {
        (resource["type"], resource["api_version"])
        for template in templates().values()
        for resource in template.resources.values()
    }

    assert len({kind for kind, _ in used}) == len(used)


def test_modules_are_all_used_and_none_comes_from_a_registry() -> None:
    """Nothing is downloaded in order to deploy."""
    paths = {
        called(module, template).path.relative_to(INFRA).as_posix()
        for template in templates().values()
        for module in template.modules.values()
    }

    assert paths | {"main.bicep"} == set(FILES)


def test_parameters_of_the_file_are_those_of_the_template() -> None:
    """Without a word, azd passes over what the template does not have."""
    assert set(parameters_file()) == set(main_template().parameters)


def test_azd_asks_for_no_more_than_it_must() -> None:
    """Everything else has a default."""
    assert main_template().required == ASKED


def test_every_parameter_has_a_variable_of_azd_after_its_name() -> None:
    """`azd env set JOBS_QUEUE video-jobs` sets jobsQueue: who knows the one knows the other."""
    special = {
        "environmentName": "${AZURE_ENV_NAME}",
        "location": "${AZURE_LOCATION}",
        "principalId": "${AZURE_PRINCIPAL_ID}",
        "principalType": "${AZURE_PRINCIPAL_TYPE}",
        "appSettings": {},
    }

    for name, value in parameters_file().items():
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=AI)(?=[A-Z][a-z])", "_", name.replace("OpenAI", "Openai"))
        assert value == special.get(name, f"${{{words.upper()}}}"), name


def test_a_key_in_somebody_s_shell_is_not_sent_to_azure() -> None:
    """Azd reads variables of the shell, too, so none is called as the ones that other tools read keys from."""
    assert not {"${OPENAI_API_KEY}", "${AZURE_OPENAI_API_KEY}", "${OPENAI_BASE_URL}"} & set(
        map(str, parameters_file().values())
    )
