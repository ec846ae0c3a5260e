"""What the database itself refuses, whatever the code above it does: as the application's own role, table by table."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from chatbot_saas.core.db import Database
from chatbot_saas.core.ids import new_id
from chatbot_saas.core.security import token_hash
from chatbot_saas.core.tenancy import Role, System, tenant_for_job, tenant_for_role
from tests.conftest import SECRET_KEY
from tests.factories.rows import Rows, one_of_each

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
BY_USER = {"sessions", "refresh_tokens"}
APPEND_ONLY = {"usage_events", "audit_entries", "events"}
TENANT_TABLES = sorted({name for name, table in TABLES.items() if "tenant_id" in table.c} - BY_USER)


@pytest.fixture(scope="module")
async def db(database_url: str) -> AsyncIterator[Database]:
    """One connection for all, so that whatever one transaction left behind, the next would see."""
    database = Database(database_url, SECRET_KEY, pool_size=1, platform_pool_size=1)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def mine(db: Database) -> Rows:
    async with db.platform(System("tests")) as session:
        return await one_of_each(session)


@pytest.fixture(scope="module")
async def theirs(db: Database) -> Rows:
    async with db.platform(System("tests")) as session:
        return await one_of_each(session)


def values_of(row: SQLModel, **changes: Any) -> dict[str, Any]:
    """A row's values as an INSERT takes them, with another key."""
    columns = [column for column in TABLES[str(row.__tablename__)].columns if column.identity is None]
    values = {column.name: getattr(row, column.name) for column in columns}
    del values["created_at"], values["updated_at"]
    fresh = {name: new_id().bytes for name in ("key_hash", "token_hash") if name in values}
    return {**values, "id": new_id(), **fresh, **changes}


@asynccontextmanager
async def refused() -> AsyncIterator[None]:
    """Refused by a policy or a missing right, and by nothing else."""
    with pytest.raises(DBAPIError) as caught:
        yield
    assert isinstance(caught.value.orig, InsufficientPrivilege), caught.value


async def ids(session: AsyncSession, table: Table) -> set[UUID]:
    return set((await session.execute(select(table.c.id))).scalars())


def test_the_factory_makes_a_row_of_every_table(mine: Rows) -> None:
    assert set(mine.by_table) == set(TABLES)


@pytest.mark.parametrize("name", TENANT_TABLES)
async def test_a_tenant_reads_only_its_own_rows(db: Database, mine: Rows, theirs: Rows, name: str) -> None:
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        assert await ids(session, TABLES[name]) == {mine[name].id}
    async with db.tenant(tenant_for_job(theirs.tenant_id)) as session:
        assert await ids(session, TABLES[name]) == {theirs[name].id}


@pytest.mark.parametrize("name", sorted(TABLES))
async def test_without_a_tenant_there_are_no_rows(db: Database, mine: Rows, name: str) -> None:
    async with db.nobody() as session:
        assert await ids(session, TABLES[name]) == set()


@pytest.mark.parametrize("name", TENANT_TABLES)
async def test_a_row_of_another_tenant_cannot_be_inserted(db: Database, mine: Rows, theirs: Rows, name: str) -> None:
    async with refused(), db.tenant(tenant_for_job(mine.tenant_id)) as session:
        await session.execute(insert(TABLES[name]).values(values_of(theirs[name])))


@pytest.mark.parametrize("name", TENANT_TABLES)
async def test_a_row_of_another_tenant_cannot_be_changed(db: Database, mine: Rows, theirs: Rows, name: str) -> None:
    table = TABLES[name]
    change = update(table).where(table.c.id == theirs[name].id).values(tenant_id=mine.tenant_id)
    removal = delete(table).where(table.c.id == theirs[name].id)
    for statement in (change, removal):
        if name in APPEND_ONLY:
            async with refused(), db.tenant(tenant_for_job(mine.tenant_id)) as session:
                await session.execute(statement)
        else:
            async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
                assert (await session.execute(statement)).rowcount == 0
    async with db.tenant(tenant_for_job(theirs.tenant_id)) as session:
        assert theirs[name].id in await ids(session, table)


@pytest.mark.parametrize("name", TENANT_TABLES)
async def test_no_row_can_be_given_to_another_tenant(db: Database, mine: Rows, theirs: Rows, name: str) -> None:
    async with refused(), db.tenant(tenant_for_job(mine.tenant_id)) as session:
        await session.execute(update(TABLES[name]).values(tenant_id=theirs.tenant_id))


@pytest.mark.parametrize("name", sorted(APPEND_ONLY))
async def test_what_was_recorded_stays(db: Database, mine: Rows, name: str) -> None:
    for statement in (delete(TABLES[name]), update(TABLES[name]).values(id=new_id())):
        async with refused(), db.tenant(tenant_for_job(mine.tenant_id)) as session:
            await session.execute(statement)


@pytest.mark.parametrize("name", sorted(BY_USER))
async def test_sign_ins_belong_to_their_user(db: Database, mine: Rows, theirs: Rows, name: str) -> None:
    table = TABLES[name]
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        assert await ids(session, table) == set(), "a colleague, or a key, sees no sign-ins"
    async with db.user(mine.user_id) as session:
        assert await ids(session, table) == {mine[name].id}
        assert (await session.execute(delete(table).where(table.c.id == theirs[name].id))).rowcount == 0
    async with refused(), db.user(mine.user_id) as session:
        await session.execute(insert(table).values(values_of(theirs[name])))


async def test_a_tenant_sees_its_members_and_changes_none(db: Database, mine: Rows, theirs: Rows) -> None:
    users = TABLES["users"]
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        assert await ids(session, users) == {mine.user_id}
        assert (await session.execute(delete(users))).rowcount == 0, "an account is its user's, not the tenant's"
        assert (await session.execute(update(users).values(password_hash="stolen"))).rowcount == 0
    async with refused(), db.user(mine.user_id) as session:
        await session.execute(insert(users).values(values_of(theirs["users"], email="new@example.com")))


async def test_a_member_of_two_tenants_acts_in_one(db: Database, mine: Rows, theirs: Rows) -> None:
    async with db.platform(System("tests")) as session:
        visitor = values_of(mine["memberships"], tenant_id=theirs.tenant_id, role="viewer")
        await session.execute(insert(TABLES["memberships"]).values(visitor))
    try:
        both = {mine.tenant_id, theirs.tenant_id}
        async with db.tenant(tenant_for_role(mine.tenant_id, mine.user_id, Role.OWNER)) as session:
            assert await ids(session, TABLES["tenants"]) == both, "the list of tenants to choose from"
            assert await ids(session, TABLES["bots"]) == {mine["bots"].id}
            for name, key in (("tenants", "id"), ("memberships", "tenant_id")):
                table = TABLES[name]
                other = table.c[key] == theirs.tenant_id
                assert (await session.execute(delete(table).where(other))).rowcount == 0
                assert (await session.execute(update(table).where(other).values({key: mine.tenant_id}))).rowcount == 0
    finally:
        async with db.platform(System("tests")) as session:
            await session.execute(delete(TABLES["memberships"]).where(TABLES["memberships"].c.id == visitor["id"]))


async def test_nobody_makes_himself_a_platform_administrator(db: Database, mine: Rows) -> None:
    users = TABLES["users"]
    async with refused(), db.user(mine.user_id) as session:
        await session.execute(update(users).where(users.c.id == mine.user_id).values(is_platform_admin=True))
    new = new_id()
    values = {"id": new, "email": f"{new.hex}@example.com", "is_platform_admin": True}
    async with refused(), db.user(new) as session:
        await session.execute(insert(users).values(values_of(mine["users"], **values)))


async def test_tenants_take_turns_on_one_connection(db: Database, mine: Rows, theirs: Rows) -> None:
    async def look(rows: Rows) -> None:
        async with db.tenant(tenant_for_job(rows.tenant_id)) as session:
            await session.execute(text("SELECT pg_sleep(0.002)"))
            assert await ids(session, TABLES["bots"]) == {rows["bots"].id}

    await asyncio.gather(*(look((mine, theirs)[turn % 2]) for turn in range(40)))
    async with db.nobody() as session:
        assert await session.scalar(text("SELECT count(*) FROM bots")) == 0


async def test_a_rollback_leaves_no_tenant_behind(db: Database, mine: Rows, theirs: Rows) -> None:
    async def fail() -> None:
        async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
            assert await session.scalar(text("SELECT count(*) FROM bots")) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with db.nobody() as session:
        assert await session.scalar(text("SELECT count(*) FROM bots")) == 0
    async with db.tenant(tenant_for_job(theirs.tenant_id)) as session:
        assert await ids(session, TABLES["bots"]) == {theirs["bots"].id}


async def test_a_savepoint_that_fails_keeps_the_tenant(db: Database, mine: Rows) -> None:
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text("SELECT 1 / 0"))
        assert await ids(session, TABLES["bots"]) == {mine["bots"].id}


async def test_the_application_role_can_do_no_more_than_use_rows(db: Database, mine: Rows) -> None:
    async with db.nobody() as session:
        role = (
            await session.execute(
                text(
                    "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, "
                    "(SELECT count(*) FROM pg_auth_members WHERE member = pg_roles.oid) AS memberships "
                    "FROM pg_roles WHERE rolname = current_user AND rolname = 'chatbot_app'"
                )
            )
        ).one()
        assert not any(role), role
        owned = "SELECT count(*) FROM {} WHERE {} = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
        for catalog, column in (("pg_class", "relowner"), ("pg_proc", "proowner"), ("pg_namespace", "nspowner")):
            assert await session.scalar(text(owned.format(catalog, column))) == 0
    for command in (
        "SET ROLE chatbot_platform",
        "SET SESSION AUTHORIZATION chatbot_platform",
        "ALTER TABLE bots NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE bots DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON bots",
        "CREATE POLICY open ON bots USING (true)",
        "ALTER TABLE users DISABLE TRIGGER keep_platform_admin",
        "SET session_replication_role = replica",
        "TRUNCATE bots",
        "CREATE TABLE public.mine (id int)",
        "ALTER ROLE chatbot_app BYPASSRLS",
        "DELETE FROM procrastinate_jobs",
        "UPDATE procrastinate_jobs SET args = '{}'",
        "COPY bots TO PROGRAM 'cat'",
    ):
        async with refused(), db.tenant(tenant_for_job(mine.tenant_id)) as session:
            await session.execute(text(command))


LOOKUPS = {
    "auth_user_by_email": {"user_id", "password_hash", "locked_until"},
    "auth_session": {
        "session_id",
        "user_id",
        "tenant_id",
        "expires_at",
        "role",
        "tenant_status",
        "is_platform_admin",
    },
    "auth_refresh_token": {"token_id", "family_id", "user_id", "tenant_id", "expires_at", "used_at", "revoked_at"},
    "auth_api_key": {
        "api_key_id",
        "tenant_id",
        "scopes",
        "bot_ids",
        "expires_at",
        "revoked_at",
        "tenant_status",
        "allowed_addresses",
        "requests_per_minute",
        "tenant_requests_per_minute",
    },
    "public_bot": {"tenant_id", "tenant_status"},
}


async def test_lookups_tell_ids_and_the_verifier_of_the_one_that_was_named(
    db: Database, mine: Rows, theirs: Rows
) -> None:
    def keys(rows: Rows) -> dict[str, Any]:
        return {
            "auth_user_by_email": rows.email,
            "auth_session": token_hash(rows.cookie),
            "auth_refresh_token": token_hash(rows.refresh_token),
            "auth_api_key": token_hash(rows.api_key),
            "public_bot": rows["bots"].id,
        }

    async with db.nobody() as session:
        for name, columns in LOOKUPS.items():
            call = text(f"SELECT * FROM {name}(:wanted)")
            found = (await session.execute(call, {"wanted": keys(mine)[name]})).all()
            assert len(found) == 1, name
            assert set(found[0]._mapping) == columns, name
            owner = found[0]._mapping.get("tenant_id", mine.tenant_id)
            assert owner == mine.tenant_id, name
            other = (await session.execute(call, {"wanted": keys(theirs)[name]})).one()
            assert other._mapping.get("tenant_id", theirs.tenant_id) == theirs.tenant_id, name
            for wrong in ("%", "", None) if name == "auth_user_by_email" else (None,):
                assert (await session.execute(call, {"wanted": wrong})).all() == [], name


async def test_lookups_are_all_that_runs_with_more_rights(db: Database) -> None:
    """SECURITY DEFINER functions: these and no others, callable by the application only, with a fixed search path."""
    query = text(
        "SELECT p.proname, pg_get_userbyid(p.proowner) AS owner, p.proconfig, "
        "has_function_privilege('public', p.oid, 'execute') AS anybody "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname = 'public'"
    )
    async with db.platform(System("tests")) as session:
        found = {row.proname: row for row in await session.execute(query)}
    assert set(found) == set(LOOKUPS)
    for name, row in found.items():
        assert row.owner == "chatbot_platform", name
        assert not row.anybody, name
        assert row.proconfig == ["search_path=pg_catalog, pg_temp"], name


async def test_the_database_keeps_the_times(db: Database, mine: Rows) -> None:
    bots = TABLES["bots"]
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        before = await session.scalar(select(bots.c.updated_at))
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        await session.execute(update(bots).values(description="new", updated_at=func.now() - text("interval '1 day'")))
    async with db.tenant(tenant_for_job(mine.tenant_id)) as session:
        assert (await session.scalar(select(bots.c.updated_at))) > before
