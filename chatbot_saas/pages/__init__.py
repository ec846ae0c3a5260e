"""The list of pages: a page that is not imported here is not built."""

from chatbot_saas.pages import (
    audit,
    bot_history,
    bot_settings,
    bots,
    conversations,
    embed,
    home,
    keys,
    knowledge,
    not_found,
    overview,
    sign_in,
    tenants,
)

__all__ = [
    "audit",
    "bot_history",
    "bot_settings",
    "bots",
    "conversations",
    "embed",
    "home",
    "keys",
    "knowledge",
    "not_found",
    "overview",
    "sign_in",
    "tenants",
]
