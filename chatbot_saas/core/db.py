"""The one door to the database.

Every session names for whom it acts. The tenant (and the user) is set inside the transaction (`SET LOCAL` semantics),
where row-level policies read it; a session that names nobody sees no rows. Two roles connect, and neither owns a table:
`chatbot_app`, which the policies bind, and `chatbot_platform`, for administration, sweeps and jobs that cross tenants.
"""

import hashlib
import hmac
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, cast
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, IntegrityError
from psycopg.rows import namedtuple_row
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from chatbot_saas.core.tenancy import PlatformAdmin, System, Tenant, Visitor

APP_ROLE = "chatbot_app"
PLATFORM_ROLE = "chatbot_platform"

_SET_ACTOR = text("SELECT set_config('app.tenant_id', :tenant_id, true), set_config('app.user_id', :user_id, true)")


_SET_ACTOR_PLAIN = (
    "SELECT set_config('app.tenant_id', %s, true) AS tenant, set_config('app.user_id', %s, true) AS person"
)


class TenantSession(Session):
    """A session whose transactions carry `info["actor"]`, the tenant and user that the policies compare with."""


@event.listens_for(TenantSession, "after_begin")
def _set_actor(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    actor: dict[str, str] | None = session.info.get("actor")
    if actor:
        connection.execute(_SET_ACTOR, actor)


def owner_url(url: str) -> URL:
    """`DATABASE_URL` as SQLAlchemy wants it, on psycopg 3 whatever the scheme says."""
    return make_url(url).set(drivername="postgresql+psycopg")


def role_password(secret_key: str, role: str) -> str:
    """The login roles' passwords follow from SECRET_KEY, so that there is nothing more to configure or to leak."""
    return hmac.new(secret_key.encode(), f"database role {role}".encode(), hashlib.sha256).hexdigest()


def role_url(url: str, secret_key: str, role: str) -> URL:
    return owner_url(url).set(username=role, password=role_password(secret_key, role))


BrokenReferenceError = IntegrityError
"""What `Plain` raises for a row that points to one that has gone."""


class Plain:
    """Plain SQL in one transaction, for the few paths that every question takes.

    There the ORM was half of the processor time: four small reads cost 4.9 ms through it and 1.2 ms here. Statements
    travel together: `run` only lines one up, and asking for rows sends all that wait and their transaction's begin.
    Values are given by name, as in `%(bot_id)s`; `as_json` marks those of a jsonb column. Results come in binary form:
    vectors, numbers and arrays are not written out and read again, which is 2 ms of a question's processor time.
    """

    def __init__(self, connection: AsyncConnection[Any], pipeline: AsyncExitStack) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._committed = False

    async def run(self, query: str, /, **values: Any) -> AsyncCursor[Any]:
        """Line a statement up. Its rows can be fetched later, when others are on their way too."""
        return await self._connection.execute(query.encode(), values, binary=True)

    async def rows(self, query: str, /, **values: Any) -> list[Any]:
        """Rows with their columns as attributes."""
        return await (await self.run(query, **values)).fetchall()

    async def row(self, query: str, /, **values: Any) -> Any:
        """The first row, or None."""
        return next(iter(await self.rows(query, **values)), None)

    async def commit(self) -> None:
        """End the transaction now, with all that waits in one round trip; rows can still be fetched afterwards.

        Not by psycopg's own `commit`, which would make a trip of its own beside that of the pipeline's end.
        """
        if not self._committed:
            self._committed = True
            await self._connection.execute("COMMIT")
            await self._pipeline.aclose()


as_json = Jsonb


class Together:
    """One transaction for all that a request writes through `Database.tenant`, ended by whoever answers the request.

    What is recorded of the answer is there if and only if the rows are. Not for a request that asks a model, another
    server or a disk between its sessions: the transaction, with its connection, stays open until the end.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._session: AsyncSession | None = None
        self._failed = False

    @asynccontextmanager
    async def join(
        self, begin: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    ) -> AsyncGenerator[AsyncSession]:
        """A session as `begin` makes it, or the one that there is. Its end writes, but commits nothing."""
        if self._session is None:
            self._session = await self._stack.enter_async_context(begin())
        try:
            yield self._session
            await self._session.flush()
        except BaseException:
            self._failed = True
            raise

    async def commit(self) -> None:
        """Raises what the database says against it. What failed on the way is rolled back whole."""
        _together.set(None)
        if self._failed:
            await self.roll_back()
        else:
            await self._stack.aclose()

    async def roll_back(self) -> None:
        _together.set(None)
        if self._session is not None:
            await self._session.rollback()
        await self._stack.aclose()


_together: ContextVar[Together | None] = ContextVar("together", default=None)


def write_together() -> Together:
    """From here on, for the rest of this request."""
    together = Together()
    _together.set(together)
    return together


class Database:
    def __init__(self, url: str, secret_key: str, *, pool_size: int = 20, platform_pool_size: int = 5) -> None:
        self.app_url = role_url(url, secret_key, APP_ROLE)
        self.platform_url = role_url(url, secret_key, PLATFORM_ROLE)
        self._app = _engine(self.app_url, pool_size)
        self._platform = _engine(self.platform_url, platform_pool_size)
        self._plain = AsyncConnectionPool(
            self.app_url.set(drivername="postgresql").render_as_string(hide_password=False),
            min_size=1,
            max_size=pool_size,
            timeout=10,
            open=False,
            kwargs={"row_factory": namedtuple_row, "connect_timeout": 5},
        )
        self._app_sessions = async_sessionmaker(
            self._app, class_=AsyncSession, sync_session_class=TenantSession, expire_on_commit=False
        )
        self._platform_sessions = async_sessionmaker(self._platform, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def tenant(self, principal: Tenant | Visitor) -> AsyncGenerator[AsyncSession]:
        """One transaction inside the principal's tenant: committed at the end, rolled back at an exception."""
        user_id = principal.user_id if isinstance(principal, Tenant) else None
        together = _together.get()
        begin = partial(self._session, principal.tenant_id, user_id)
        async with together.join(begin) if together else begin() as session:
            yield session

    @asynccontextmanager
    async def user(self, user_id: UUID, tenant_id: UUID | None = None) -> AsyncGenerator[AsyncSession]:
        """One transaction as a user whose password or session was checked: their own rows, and a tenant's if named."""
        async with self._session(tenant_id, user_id) as session:
            yield session

    @asynccontextmanager
    async def nobody(self) -> AsyncGenerator[AsyncSession]:
        """One transaction before anybody is known: no policy lets a row through, only the lookup functions answer."""
        async with self._session(None, None) as session:
            yield session

    @asynccontextmanager
    async def platform(self, principal: PlatformAdmin | System) -> AsyncGenerator[AsyncSession]:
        """One transaction over all tenants. `tests/architecture` lists who may call this."""
        async with self._platform_sessions(info={"principal": principal}) as session, session.begin():
            yield session

    def tenant_plain(self, principal: Tenant | Visitor) -> AbstractAsyncContextManager[Plain]:
        """The same door as `tenant`, for plain SQL."""
        user_id = principal.user_id if isinstance(principal, Tenant) else None
        return self._plain_session(principal.tenant_id, user_id)

    def nobody_plain(self) -> AbstractAsyncContextManager[Plain]:
        """The same door as `nobody`, for plain SQL."""
        return self._plain_session(None, None)

    @asynccontextmanager
    async def _plain_session(self, tenant_id: UUID | None, user_id: UUID | None) -> AsyncGenerator[Plain]:
        if self._plain.closed:
            await self._plain.open()
        async with self._plain.connection() as connection, AsyncExitStack() as pipeline:
            await pipeline.enter_async_context(connection.pipeline())
            await connection.execute(_SET_ACTOR_PLAIN, (str(tenant_id or ""), str(user_id or "")))
            sql = Plain(connection, pipeline)
            yield sql
            await sql.commit()

    @asynccontextmanager
    async def _session(self, tenant_id: UUID | None, user_id: UUID | None) -> AsyncGenerator[AsyncSession]:
        actor = {"tenant_id": str(tenant_id or ""), "user_id": str(user_id or "")}
        async with self._app_sessions(info={"actor": actor}) as session, session.begin():
            yield session

    async def listen(self, channel: str) -> AsyncGenerator[str | None]:
        """What is notified on the channel, by a connection of its own; None first, once it is heard."""
        url = self.app_url.set(drivername="postgresql").render_as_string(hide_password=False)
        async with await AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
            await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
            yield None
            async for notice in connection.notifies():
                yield notice.payload

    async def check(self) -> None:
        async with self._app.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._plain.close()
        await self._app.dispose()
        await self._platform.dispose()


async def raw_connection(session: AsyncSession) -> AsyncConnection[Any]:
    """The psycopg connection under the session's transaction: what is written through it commits with the session."""
    connection = await (await session.connection()).get_raw_connection()
    return cast(AsyncConnection[Any], connection.driver_connection)


def _engine(url: URL, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        pool_recycle=1800,
        hide_parameters=True,  # an error that is logged must not tell what visitors wrote
        connect_args={"connect_timeout": 5},
    )
