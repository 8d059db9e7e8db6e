"""Notes what a page does that it should not, and every answer that it gets."""

from playwright.async_api import ConsoleMessage, Page, Request, Response


class Watched:
    """A page's complaints (violations of its content policy are among them), foreign requests and answers."""

    def __init__(self, page: Page, home: str) -> None:
        self.problems: list[str] = []
        self.answers: list[Response] = []
        self._home = home
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _answered(self, answer: Response) -> None:
        self.answers.append(answer)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._home}/", "data:", f"blob:{self._home}/")):
            self.problems.append(f"asked another host: {request.url}")
