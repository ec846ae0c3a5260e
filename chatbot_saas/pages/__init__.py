"""The list of pages: a page that is not imported here is not built."""

from chatbot_saas.pages import (
    admin_jobs,
    audit,
    bot_history,
    bot_settings,
    bots,
    conversations,
    embed,
    home,
    jobs,
    keys,
    knowledge,
    not_found,
    overview,
    questions,
    sign_in,
    tenants,
)

__all__ = [
    "admin_jobs",
    "audit",
    "bot_history",
    "bot_settings",
    "bots",
    "conversations",
    "embed",
    "home",
    "jobs",
    "keys",
    "knowledge",
    "not_found",
    "overview",
    "questions",
    "sign_in",
    "tenants",
]
