"""The lines that put a bot on a website."""

import reflex as rx

from chatbot_saas.core.errors import NotFoundError
from chatbot_saas.core.tenancy import Scope, Tenant
from chatbot_saas.services.runtime import get_runtime
from chatbot_saas.state.bot import read_bot
from chatbot_saas.state.session import authorised, route_id


class EmbedState(rx.State):
    line: str = ""
    frame: str = ""
    link: str = ""

    @authorised(Scope.BOTS_READ)
    async def load(self, principal: Tenant):
        try:
            bot = await read_bot(principal, route_id(self, "bot_id"))
        except NotFoundError:
            self.reset()  # the bot's own frame says so
            return
        here = get_runtime().settings.public_url.rstrip("/")
        self.line = f'<script src="{here}/widget/chatbot-widget.js" data-bot-id="{bot.id}" defer></script>'
        self.link = f"{here}/widget/frame?bot_id={bot.id}"
        self.frame = (
            f'<iframe src="{self.link}" title="Chat" loading="lazy" '
            'style="width:100%;max-width:420px;height:640px;border:0"></iframe>'
        )
