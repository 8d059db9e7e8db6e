"""The app that Azure Functions indexes: every function, registered from the rooms below, and nothing else."""

import azure.durable_functions as df
import azure.functions as func

import shared.api.web_extension  # noqa: F401 - importing it is what turns the HTTP functions over to Starlette
from activities import boundary
from orchestrators import registration
from shared.api import docs, download, generate, health, jobs, openapi, status, unmatched
from shared.intake import registration as intake
from shared.upkeep import registration as upkeep

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

for room in (
    generate,
    status,
    jobs,
    download,
    health,
    openapi,
    docs,
    unmatched,
    registration,
    boundary,
    upkeep,
    intake,
):
    app.register_functions(room.blueprint)
