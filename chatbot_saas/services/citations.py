"""Citations as they are stored with an answer, and as they are sent."""

from collections.abc import Sequence
from typing import Any

from chatbot_saas.schemas.chat import Citation
from chatbot_saas.services.support import Proof


def stored_sources(proof: Proof) -> list[dict[str, Any]]:
    """For `messages.sources`: the citations, each with the document's id, which visitors are never sent."""
    return [
        citation.model_dump(mode="json") | {"document_id": proof.documents.get(citation.number)}
        for citation in proof.citations
    ]


def public_sources(stored: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of `messages.sources` what may be sent to anybody."""
    return [Citation.model_validate(source).model_dump(mode="json") for source in stored]
