"""The settings, with what is wrong told in one line."""

from pydantic import ValidationError

from chatbot_saas.cli.progress import CommandError
from chatbot_saas.core.settings import Settings, get_settings


def load_settings() -> Settings:
    """The settings, or one line for each that is wrong."""
    try:
        return get_settings()
    except ValidationError as error:
        problems = "; ".join(str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors())
        raise CommandError(f"the configuration is not valid: {problems}") from None
