import asyncio
from collections.abc import Awaitable
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chatbot_saas.api.dependencies import RuntimeDep
from chatbot_saas.core.errors import DomainError
from chatbot_saas.core.logging import get_logger
from chatbot_saas.schemas.base import Read

log = get_logger(__name__)
router = APIRouter(tags=["health"])
CHECK_SECONDS = 3.0

State = Literal["ok", "degraded", "failed"]
NOT_NEEDED = ("model", "cache")
"""What answers are given without: by quoting, and by counting and keeping nothing."""


class HealthRead(Read):
    status: str = "ok"


class ReadyRead(Read):
    status: State
    checks: dict[str, State]


@router.get("/api/health")
async def health() -> HealthRead:
    """The process is up."""
    return HealthRead()


@router.get("/api/health/ready")
async def ready(rt: RuntimeDep, response: Response) -> ReadyRead:
    """Whether each part can be used. 503 when one that is needed cannot; without model or cache we still answer."""
    parts: dict[str, Awaitable[None]] = {
        "database": rt.db.check(),
        "vectors": rt.vectors.check(),
        "jobs": rt.jobs.check(),
        "blobs": rt.blobs.check(),
        "cache": _both(rt.limiter.check(), rt.cache.check()),
        "model": rt.model.check(),
    }
    states = await asyncio.gather(*(_state(name, check) for name, check in parts.items()))
    checks: dict[str, State] = dict(zip(parts, states, strict=True))
    checks |= {name: "degraded" for name in NOT_NEEDED if checks[name] == "failed"}
    failed = "failed" in checks.values()
    response.status_code = 503 if failed else 200
    return ReadyRead(
        status="failed" if failed else "degraded" if "degraded" in checks.values() else "ok", checks=checks
    )


async def _both(*checks: Awaitable[None]) -> None:
    await asyncio.gather(*checks)


async def _state(name: str, check: Awaitable[None]) -> State:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check
    except (DomainError, OSError, TimeoutError) as error:
        log.warning("not_ready", part=name, error=str(error))
        return "failed"
    except Exception as error:  # a check must never take the route down with it
        log.warning("not_ready", part=name, error=repr(error))
        return "failed"
    return "ok"


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
