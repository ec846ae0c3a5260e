"""Taking a CSV file into the list that is shown. The file stays in the browser (assets/questions.js) until the API has
taken it; here is only what the API said about it."""

import json
from typing import Any

import reflex as rx
from pydantic import BaseModel, ConfigDict, ValidationError

from chatbot_saas.core.errors import InvalidError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.questions import PairImport
from chatbot_saas.state.questions import QuestionsState
from chatbot_saas.state.session import authorised

MODES = ("merge", "replace")
_SHOWN = 50


class FileAnswer(BaseModel):
    """What the script passes on."""

    model_config = ConfigDict(extra="ignore")

    name: str = ""
    status: int = 0
    problem: str = ""
    lines: list[str] = []
    """What is wrong, a line of the file each."""
    plan: PairImport | None = None


class QuestionImportState(rx.State):
    opened: bool = False
    file_name: str = ""
    mode: str = "merge"
    plan: PairImport | None = None
    problem: str = ""
    lines: list[str] = []
    busy: bool = False

    @authorised(Scope.SOURCES_WRITE)
    async def begin(self, principal: Tenant):
        """A file was chosen: ask what it would change."""
        self.reset()
        self.opened = self.busy = True
        return _ask("look", "merge")

    @authorised(Scope.SOURCES_WRITE)
    async def change_mode(self, principal: Tenant, mode: str | list[str]):
        self.mode = str(mode) if mode in MODES else "merge"
        self.busy = True
        return _ask("look", self.mode)

    @authorised(Scope.SOURCES_WRITE)
    async def looked(self, principal: Tenant, answer: dict[str, Any]):
        self._take(answer)

    @authorised(Scope.SOURCES_WRITE)
    async def send(self, principal: Tenant):
        if self.plan is None or self.busy:
            return None
        self.busy = True
        return _ask("send", self.mode, self.plan.version)

    @authorised(Scope.SOURCES_WRITE)
    async def sent(self, principal: Tenant, answer: dict[str, Any]):
        self._take(answer)
        if self.problem or self.plan is None:
            return None
        done = self.plan
        self.reset()
        parts = [f"{done.added:,} added", f"{done.replaced:,} changed"]
        parts += [f"{done.removed:,} removed"] if done.removed else []
        return [rx.toast.success(f"The file is in: {', '.join(parts)}."), QuestionsState.refresh]

    @authorised(Scope.SOURCES_WRITE)
    async def open_dialog(self, principal: Tenant, is_open: bool):
        if is_open is not True:
            self.reset()

    def _take(self, answer: object) -> None:
        self.busy = False
        try:
            told = FileAnswer.model_validate(answer)
        except ValidationError as error:
            raise InvalidError("The server's answer cannot be read. Try again.") from error
        self.file_name, self.problem, self.lines = told.name[:200], told.problem[:500], told.lines[:20]
        if told.status == 412:
            self.problem = "Somebody else changed the list meanwhile. Look again at what the file changes, then import."
        self.plan = told.plan and told.plan.model_copy(update={"changes": told.plan.changes[:_SHOWN]})


def _ask(act: str, mode: str, version: str = "") -> Any:
    callback = QuestionImportState.looked if act == "look" else QuestionImportState.sent
    call = f"import('/questions.js').then((file) => file.{act}({json.dumps(mode)}, {json.dumps(version)}))"
    return rx.call_script(call, callback=callback)
