"""`make admin`: makes a platform administrator, or makes one of somebody who has an account."""

import argparse
import asyncio
import secrets

from pydantic import ValidationError

from chatbot_saas.cli.database import migrate, open_database
from chatbot_saas.cli.progress import CommandError, say
from chatbot_saas.cli.settings import load_settings
from chatbot_saas.core.settings import Settings
from chatbot_saas.parts import open_runtime
from chatbot_saas.schemas.auth import LoginRequest
from chatbot_saas.services.tenants import make_admin


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="admin")
    parser.add_argument("email", nargs="?", default="", help="asked for if it is not given")
    given = parser.parse_args(arguments).email
    settings = load_settings()
    email = given or settings.admin_email or input("E-mail address of the administrator: ")
    password = settings.admin_password.get_secret_value() or secrets.token_urlsafe(12)
    with open_database(settings) as url:
        migrate(url)
        new = make(settings, url, email, password)
    say(f"{email} is a platform administrator now.")
    say(f"Password: {password}" if new else "The account was there already and keeps its password.")
    return 0


def make(settings: Settings, url: str, email: str, password: str) -> bool:
    """True if the account is new. Raises CommandError for what is no e-mail address."""
    try:
        account = LoginRequest(email=email, password=password)
    except ValidationError as error:
        raise CommandError(f"{email!r} does not look like an e-mail address") from error
    return asyncio.run(_make(settings.model_copy(update={"database_url": url}), account))


async def _make(settings: Settings, account: LoginRequest) -> bool:
    async with open_runtime(settings, owns_vectors=False) as rt:
        return await make_admin(rt, account.email, account.password)
