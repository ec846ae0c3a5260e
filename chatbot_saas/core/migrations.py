"""Brings a database to the present shape: the login roles, then the tables."""

import asyncio
from pathlib import Path
from typing import Any, cast

from alembic import command
from alembic.config import Config
from psycopg import AsyncConnection, sql
from psycopg.errors import DuplicateObject, InternalError_, UniqueViolation
from sqlalchemy import NullPool
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from chatbot_saas.core.db import APP_ROLE, PLATFORM_ROLE, owner_url, role_password
from chatbot_saas.core.settings import ROOT

_LOCK = 7_203_311
"""Key of the advisory lock under which one process migrates while others wait."""


def upgrade(url: str, secret_key: str, revision: str = "head") -> None:
    asyncio.run(_upgrade(url, secret_key, revision))


async def _upgrade(url: str, secret_key: str, revision: str) -> None:
    engine = create_async_engine(owner_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
            await connection.commit()
            raw = (await connection.get_raw_connection()).driver_connection
            await _ensure_roles(cast(AsyncConnection[Any], raw), secret_key)
            await connection.run_sync(_run, revision)
            await connection.commit()
    finally:
        await engine.dispose()


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config(Path(ROOT) / "alembic.ini")
    config.attributes["connection"] = connection
    return config


def _run(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)


async def _ensure_roles(connection: AsyncConnection[Any], secret_key: str) -> None:
    """Roles are the server's: the lock, which is one database's, does not keep another from migrating meanwhile."""
    for tries_left in range(20, -1, -1):
        try:
            await _set_roles(connection, secret_key)
            await connection.commit()
            return
        except (InternalError_, UniqueViolation, DuplicateObject):
            await connection.rollback()
            if not tries_left:
                raise
            await asyncio.sleep(0.1)


async def _set_roles(connection: AsyncConnection[Any], secret_key: str) -> None:
    """The two login roles. Passwords follow from SECRET_KEY and are set anew, so that a changed key just works."""
    for role in (APP_ROLE, PLATFORM_ROLE):
        exists = await (await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])).fetchone()
        verb = sql.SQL("ALTER" if exists else "CREATE")
        await connection.execute(
            sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}").format(
                verb, sql.Identifier(role), sql.Literal(role_password(secret_key, role))
            )
        )
    # an owner that is no superuser hands the lookup functions over to this role
    await connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(PLATFORM_ROLE)))
