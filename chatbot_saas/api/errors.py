"""What routes declare about the errors they answer with."""

from typing import Any

from chatbot_saas.core.errors import DomainError
from chatbot_saas.schemas.problems import Problem


def errors(*types: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can raise these, beside the ones that every route can."""
    return {
        kind.status: {
            "model": Problem,
            "description": f"`{kind.code}`: {kind().message}",
            "content": {"application/problem+json": {}},
        }
        for kind in types
    }
