"""Which embedder a process gets."""

import asyncio
import json
import os
from pathlib import Path

import structlog

from chatbot_saas.adapters.embeddings import Embedder
from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder
from chatbot_saas.adapters.embeddings.openai import KNOWN_DIMENSIONS, OpenAIEmbedder, ask, decoded
from chatbot_saas.adapters.llm import ModelError, ModelNotFoundError
from chatbot_saas.adapters.openai_calls import OpenAIClients
from chatbot_saas.adapters.processes import WorkerPool
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.core.settings import Settings

log = structlog.get_logger(__name__)
PROBE_SECONDS = 5.0


async def make_embedder(settings: Settings, counter: TokenCounter, processes: WorkerPool | None = None) -> Embedder:
    """The provider's embedder, or the offline one if there is no key or the provider has no embeddings.

    Models of OpenAI's own have known dimensions. Others are asked once; the answer is kept in DATA_DIR, so that a
    provider that is down at some later start does not make us change to another index.
    """
    if settings.offline_models:
        return OfflineEmbedder(settings.models_dir, processes)
    clients = OpenAIClients(settings.openai_api_key.get_secret_value(), settings.openai_base_url)
    model = settings.embedding_model
    kept = settings.data_dir / "embedders.json"
    place = f"{clients.base_url} {model}"
    dimension = _kept(kept).get(place, 0 if settings.openai_base_url else KNOWN_DIMENSIONS.get(model, 0))
    if not dimension:
        try:
            dimension = await _probe(clients, model)
            _keep(kept, place, dimension)
        except ModelNotFoundError:
            log.warning("embeddings_not_offered", model=model, kept="offline embedder")
        except ModelError as error:
            dimension = KNOWN_DIMENSIONS.get(model, 0)
            log.warning("embeddings_not_probed", model=model, error=error.code, assumed_dimension=dimension)
    if not dimension:
        await clients.close()
        return OfflineEmbedder(settings.models_dir, processes)
    return OpenAIEmbedder(clients, model, dimension, settings.model_timeout_seconds, counter)


async def _probe(clients: OpenAIClients, model: str) -> int:
    deadline = asyncio.get_running_loop().time() + PROBE_SECONDS
    return int(decoded(await ask(clients, model, ["dimension"], deadline)).shape[1])


def _kept(path: Path) -> dict[str, int]:
    return json.loads(path.read_text()) if path.exists() else {}


def _keep(path: Path, place: str, dimension: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({**_kept(path), place: dimension}))
    draft.replace(path)
