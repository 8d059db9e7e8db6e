"""HTTP functions that load and then fail, each in its own way, behind the project's web extension."""

# mypy: disable-error-code="untyped-decorator, return-value"
# The SDK's decorators have no annotations, and wrong results are the subject.

import azure.durable_functions as df
import azure.functions as func
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

import shared.api.web_extension  # noqa: F401 - importing it is what turns the functions over to Starlette

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="works", methods=["GET"])
def works(req: Request) -> Response:
    """Answer; as a plain function, which runs on a thread."""
    return PlainTextResponse(req.method)


@app.route(route="raises", methods=["GET"])
async def raises(req: Request) -> Response:
    """Fail with a text that is nobody's business."""
    raise RuntimeError(f"sk-secret for {req.url}")


@app.route(route="answers/none", methods=["GET"])
async def answers_none(req: Request) -> Response:
    """Forget to answer."""
    del req
    return None


@app.route(route="answers/text", methods=["GET"])
async def answers_text(req: Request) -> Response:
    """Answer with something that is no response."""
    return req.method


@app.route(route="not/awaitable", methods=["GET"])
@app.durable_client_input(client_name="client")
def not_awaitable(req: Request, client: df.DurableOrchestrationClient) -> Response:
    """Take a durable client without being `async`: version 1.7.0 of the SDK awaits the response."""
    del client
    return PlainTextResponse(req.method)
