"""The settings of the open bot, as they are typed, checked and saved."""

from typing import Any

import reflex as rx

from chatbot_saas.core.errors import PreconditionFailedError
from chatbot_saas.core.pictures import MAX_BYTES
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.schemas.bots import MAX_STARTERS, PICTURES, BotPatch, BotRead
from chatbot_saas.schemas.dashboard import BotDraft
from chatbot_saas.services import bots
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import BotState, read_bot
from chatbot_saas.state.bot_draft import (
    LABELS,
    changed,
    draft_of,
    merged,
    patch_of,
    problems,
    tidied,
    together,
    typed,
    website,
)
from chatbot_saas.state.session import authorised, route_id
from chatbot_saas.state.trouble import NotLoadedError


class BotFormState(rx.State):
    draft: BotDraft = BotDraft()
    saved: BotDraft = BotDraft()
    loaded: bool = False
    problem: str = ""
    errors: dict[str, str] = {}
    saving: bool = False
    conflict: str = ""
    """Words about somebody else's change that came in between."""
    origin_text: str = ""
    origin_error: str = ""
    _bot_id: str = ""

    @rx.var
    def dirty(self) -> bool:
        return self.draft != self.saved

    @rx.var
    def blocked(self) -> bool:
        return any(self.errors.values())

    @authorised(Scope.BOTS_READ, opens=True)
    async def load(self, principal: Tenant):
        """Show what is saved. What was typed before a lost connection stays.

        Until it is read nothing can be saved: what stands in the form then is nothing, or another bot's.
        """
        bot_id = route_id(self, "bot_id")
        if self._bot_id != str(bot_id):
            self.loaded = False
            yield
        bot = await read_bot(principal, bot_id)
        if self._bot_id == str(bot_id) and self.draft != self.saved:
            self._merge(bot)
        else:
            self._take(bot)
        self._bot_id, self.loaded = str(bot_id), True

    @authorised(Scope.BOTS_WRITE)
    async def change(self, principal: Tenant, name: str, value: Any):
        self.draft = typed(self.draft, str(name), value)
        if name in LABELS:
            self._check(name)

    @authorised(Scope.BOTS_WRITE)
    async def type_origin(self, principal: Tenant, text: str):
        self.origin_text = str(text)[:300]
        self.origin_error = _origin_problem(self.origin_text) if self.origin_text.strip() else ""

    @authorised(Scope.BOTS_WRITE)
    async def add_origin(self, principal: Tenant):
        self.origin_error = _origin_problem(self.origin_text)
        if self.origin_error:
            return
        origin = website(self.origin_text)
        origins = self.draft.allowed_origins
        if origin not in origins:
            self.draft = self.draft.model_copy(update={"allowed_origins": [*origins, origin]})
        self.errors = {**self.errors, **problems({"allowed_origins": self.draft.allowed_origins})}
        self.origin_text = ""

    @authorised(Scope.BOTS_WRITE)
    async def remove_origin(self, principal: Tenant, origin: str):
        rest = [known for known in self.draft.allowed_origins if known != origin]
        self.draft = self.draft.model_copy(update={"allowed_origins": rest})
        self.errors = {**self.errors, "allowed_origins": ""}

    @authorised(Scope.BOTS_WRITE)
    async def change_starter(self, principal: Tenant, index: int, text: str):
        questions = list(self.draft.starter_questions)
        if isinstance(index, int) and 0 <= index < len(questions):
            questions[index] = str(text)[:500]
            self._put_starters(questions)

    @authorised(Scope.BOTS_WRITE)
    async def remove_starter(self, principal: Tenant, index: int):
        self._put_starters([said for at, said in enumerate(self.draft.starter_questions) if at != index])

    @authorised(Scope.BOTS_WRITE)
    async def add_starter(self, principal: Tenant):
        if len(self.draft.starter_questions) < MAX_STARTERS:
            self._put_starters([*self.draft.starter_questions, ""])

    @authorised(Scope.BOTS_WRITE)
    async def take_picture(self, principal: Tenant, name: str, address: str):
        """What assets/icon.js made of the file that was chosen as `name`, of PICTURES; empty if none was chosen."""
        if name in PICTURES and (address := str(address or "")[: 4 * MAX_BYTES]):
            found = problems({name: address})
            if not found:
                self.draft = self.draft.model_copy(update={name: address})
            self.errors = {**self.errors, name: found.get(name, "")}

    @authorised(Scope.BOTS_WRITE)
    async def remove_picture(self, principal: Tenant, name: str):
        if name in PICTURES:
            self.draft = self.draft.model_copy(update={name: ""})
            self.errors = {**self.errors, name: ""}

    @authorised(Scope.BOTS_WRITE)
    async def discard(self, principal: Tenant):
        self._require_loaded()
        self._take(await read_bot(principal, route_id(self, "bot_id")))

    @authorised(Scope.BOTS_WRITE)
    async def save(self, principal: Tenant):
        self._require_loaded()
        self.draft = tidied(self.draft)
        values = changed(self.draft, self.saved)
        self.errors = problems(values)
        if self.errors or not values or self.saving:
            return
        bot_state = await self.get_state(BotState)
        if bot_state.bot is None or str(bot_state.bot.id) != str(route_id(self, "bot_id")):
            return
        if draft_of(bot_state.bot) != self.saved:  # somebody's change, which another part of the page has seen
            self._merge(bot_state.bot)
            return
        self.saving = True
        yield
        try:
            bot = await _change(principal, bot_state.bot, BotPatch.model_validate(values))
        except PreconditionFailedError:
            theirs = await read_bot(principal, bot_state.bot.id)
            bot_state.bot = theirs
            self._merge(theirs)
            return
        finally:
            self.saving = False
        bot_state.bot = bot
        self._take(bot)
        yield rx.toast.success("Saved." if bots.READ_AGAIN.isdisjoint(values) else "Saved. Its sources are read again.")

    @authorised(Scope.BOTS_WRITE)
    async def save_key(self, principal: Tenant, form_data: dict[str, Any]):
        """The key passes through here once and is kept in no var."""
        key = str(form_data.get("model_key", "")).strip()
        if not key:
            return rx.toast.error("Paste a key first.")
        await self._save_key(principal, key)
        return rx.toast.success("The key is stored, encrypted. It is used from the next answer on.")

    @authorised(Scope.BOTS_WRITE)
    async def remove_key(self, principal: Tenant):
        await self._save_key(principal, "")
        return rx.toast.success("The key is removed.")

    async def _save_key(self, principal: Tenant, key: str) -> None:
        bot_state = await self.get_state(BotState)
        bot_id = route_id(self, "bot_id")
        bot_state.bot = await _change(principal, await read_bot(principal, bot_id), BotPatch(model_key=key))

    def _require_loaded(self) -> None:
        """The form holds the settings of the bot in the address. Raises NotLoadedError."""
        if not self.loaded or self._bot_id != str(route_id(self, "bot_id")):
            raise NotLoadedError

    def _check(self, name: str) -> None:
        """The field, and those that it is kept with."""
        found = problems(patch_of(self.draft, [name]))
        self.errors = {**self.errors, **{other: found.get(other, "") for other in together(name)}}

    def _put_starters(self, questions: list[str]) -> None:
        self.draft = self.draft.model_copy(update={"starter_questions": questions})
        found = problems({"starter_questions": tidied(self.draft).starter_questions})
        self.errors = {**self.errors, "starter_questions": found.get("starter_questions", "")}

    def _take(self, bot: BotRead) -> None:
        self.draft = self.saved = draft_of(bot)
        self.errors, self.conflict, self.origin_text, self.origin_error = {}, "", "", ""

    def _merge(self, bot: BotRead) -> None:
        theirs = draft_of(bot)
        if theirs == self.saved:
            return
        self.draft, both = merged(self.draft, self.saved, theirs)
        self.saved = theirs
        touched = ", ".join(LABELS[name] for name in both)
        self.conflict = (
            f"You both changed: {touched}. Yours is shown; saving replaces theirs."
            if touched
            else "Their changes were taken in beside yours. Have a look, then save."
        )


async def _change(principal: Tenant, bot: BotRead, patch: BotPatch) -> BotRead:
    rt = get_runtime()
    async with rt.db.tenant(principal) as session:
        return await bots.change(session, principal, bot.id, patch, rt, expected_version=bot.version)


def _origin_problem(text: str) -> str:
    try:
        website(text)
    except ValueError as error:
        return str(error)
    return ""
