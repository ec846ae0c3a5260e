"""The parts that a running process is made of. The composition root builds one; everything else is given it."""

from dataclasses import dataclass, field

from chatbot_saas.adapters.blobs import BlobStore
from chatbot_saas.adapters.cache import Cache
from chatbot_saas.adapters.embeddings import Embedder
from chatbot_saas.adapters.extraction import Extractor
from chatbot_saas.adapters.jobs import JobQueue
from chatbot_saas.adapters.llm import ChatModel
from chatbot_saas.adapters.llm.breaker import Guarded
from chatbot_saas.adapters.mail import Mailer
from chatbot_saas.adapters.notices import Notices
from chatbot_saas.adapters.processes import WorkerPool
from chatbot_saas.adapters.rate_limits import RateLimiter
from chatbot_saas.adapters.rerank import Reranker
from chatbot_saas.adapters.tokens import TokenCounter
from chatbot_saas.adapters.vectors import VectorStore
from chatbot_saas.adapters.web import Web
from chatbot_saas.core.db import Database
from chatbot_saas.core.security import SecretBox
from chatbot_saas.core.settings import Settings
from chatbot_saas.services.live import LiveAnswers


@dataclass(slots=True)
class Runtime:
    settings: Settings
    db: Database
    jobs: JobQueue
    vectors: VectorStore
    embedder: Embedder
    model: Guarded
    """The operator's, of OPENAI_API_KEY, or the offline one that quotes; for a bot with its own key, the provider's."""
    fallback_model: ChatModel
    """Answers from the passages alone when the model does not."""
    blobs: BlobStore
    extractor: Extractor
    web: Web
    processes: WorkerPool
    tokens: TokenCounter
    reranker: Reranker
    limiter: RateLimiter
    cache: Cache
    notices: Notices
    mailer: Mailer
    answers: LiveAnswers = field(default_factory=LiveAnswers)
    secrets: SecretBox = field(init=False)

    def __post_init__(self) -> None:
        self.secrets = SecretBox(self.settings.encryption_key.get_secret_value())

    @property
    def secret_key(self) -> str:
        return self.settings.secret_key.get_secret_value()


_current: Runtime | None = None


def set_runtime(runtime: Runtime | None) -> None:
    """Called by the composition root at start and stop; State handlers have no other way to be handed it."""
    global _current
    _current = runtime


def get_runtime() -> Runtime:
    if _current is None:
        raise RuntimeError("the application has not started")
    return _current
