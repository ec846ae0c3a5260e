"""Builds the parts of a process from its settings; app.py and the command line put them to use."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from chatbot_saas.adapters.blobs.factory import blob_store
from chatbot_saas.adapters.cache import make_cache
from chatbot_saas.adapters.embeddings.factory import make_embedder
from chatbot_saas.adapters.embeddings.offline import OfflineEmbedder
from chatbot_saas.adapters.extraction.process import ProcessExtractor
from chatbot_saas.adapters.jobs import JobQueue
from chatbot_saas.adapters.llm.breaker import Breakers, Guarded, GuardedEmbedder
from chatbot_saas.adapters.llm.factory import make_chat_model, make_fallback_model
from chatbot_saas.adapters.mail import make_mailer
from chatbot_saas.adapters.notices import Notices
from chatbot_saas.adapters.processes import WorkerPool
from chatbot_saas.adapters.rate_limits import rate_limiter
from chatbot_saas.adapters.rerank import make_reranker
from chatbot_saas.adapters.tokens import token_counter
from chatbot_saas.adapters.vectors.factory import vector_store
from chatbot_saas.adapters.vectors.unowned import UnownedVectors
from chatbot_saas.adapters.web.factory import make_web
from chatbot_saas.core.db import Database
from chatbot_saas.core.settings import Settings
from chatbot_saas.services.runtime import Runtime

SPARE_PROCESSES = 4
"""For files that take long: as many as one tenant can have under way, so that nobody else waits for them."""


@asynccontextmanager
async def open_runtime(settings: Settings, *, owns_vectors: bool = True) -> AsyncGenerator[Runtime]:
    """The parts, opened in order and closed in the opposite one. The database is migrated beforehand.

    `owns_vectors`: whether this process may open the vector index. Only one may, where there is no CHROMA_URL.
    """
    async with AsyncExitStack() as stack:
        db = Database(settings.database_url, settings.secret_key.get_secret_value())
        stack.push_async_callback(db.close)
        notices = Notices(db.listen)
        stack.push_async_callback(notices.close)
        jobs = JobQueue(db.platform_url)
        await jobs.open()
        stack.push_async_callback(jobs.close)
        processes = WorkerPool(spare=SPARE_PROCESSES)
        stack.push_async_callback(processes.close)
        tokens = token_counter(settings.models_dir)
        # a pool of its own: texts take seconds a batch, and nobody's file should wait for another's embedding to begin
        embedding = WorkerPool(size=1)
        stack.push_async_callback(embedding.close)
        embedder = await make_embedder(settings, tokens, embedding)
        stack.push_async_callback(embedder.close)
        fallback = make_fallback_model(tokens, embedder)
        breakers = Breakers()
        if not isinstance(embedder, OfflineEmbedder):
            embedder = GuardedEmbedder(embedder, breakers)
        model = Guarded(make_chat_model(settings, tokens, fallback), breakers)
        stack.push_async_callback(model.close)
        vectors = vector_store(settings.chroma_url, settings.data_dir) if owns_vectors else UnownedVectors()
        stack.push_async_callback(vectors.close)
        web = make_web(settings)
        stack.push_async_callback(web.close)
        cache = make_cache(settings.redis_url)
        stack.push_async_callback(cache.close)
        reranker = make_reranker(settings)
        stack.push_async_callback(reranker.close)
        rt = Runtime(
            settings=settings,
            db=db,
            jobs=jobs,
            vectors=vectors,
            embedder=embedder,
            model=model,
            fallback_model=fallback,
            blobs=blob_store(settings.blob_url, settings.data_dir),
            extractor=ProcessExtractor(processes),
            web=web,
            processes=processes,
            tokens=tokens,
            reranker=reranker,
            limiter=rate_limiter(enabled=settings.rate_limit_enabled, redis_url=settings.redis_url),
            cache=cache,
            notices=notices,
            mailer=make_mailer(settings.smtp_url),
        )
        stack.push_async_callback(rt.limiter.close)
        stack.push_async_callback(rt.answers.close)
        yield rt
