"""The database's shape: policies on every table, migrations both ways, and who may go around a tenant's policies."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from chatbot_saas import models
from chatbot_saas.core import migrations
from chatbot_saas.core.db import owner_url
from chatbot_saas.core.settings import ROOT
from tests.conftest import SECRET_KEY, new_database

assert models.__all__  # importing it fills the metadata
TABLES = set(SQLModel.metadata.tables)
CODE = ROOT / "chatbot_saas"

PLATFORM_CALLERS = {
    # administration
    "services/tenants.py": {"list_page", "get", "create", "change", "make_admin", "_is_admin"},
    # the nightly comparison of rows, vectors and blobs
    "services/sweep.py": {
        *("sweep", "ask", "report_of", "_index_waiting"),
        *("_compare_indexes", "_has_no_use", "_compare", "_index_again", "_compare_files"),
    },
    # files that visitors never sent
    "services/attachments.py": {"forget_unsent"},
    # the deletion of a tenant, and its receipt
    "services/erasure.py": {"_session"},
    "services/receipts.py": {"list_deleted_tenants"},
    # the demo tenant of a first start
    "services/demo/seed.py": {"ensure_demo"},
    # what an operator changed for every tenant
    "services/ingestion.py": {"follow_embedder"},
    "services/runs.py": {"admit_everywhere", "alone", "mend"},
    "services/bot_test_runs.py": {"mend"},
    "services/events.py": {"forget_old"},
    "services/refreshing.py": {"start_due"},
    "services/jobs.py": {"list_all", "_tenant_of"},
    # what is kept for a day only
    "services/idempotency.py": {"forget_expired"},
}
LOOKUP_CALLERS = {
    "auth_user_by_email": {"services/auth.py": {"log_in"}},
    "auth_session": {"services/auth.py": {"session_identity", "close_session"}},
    "auth_refresh_token": {"services/auth.py": {"_find_refresh_token"}},
    "auth_api_key": {"services/auth.py": {"api_key_principal"}},
    "public_bot": {"services/bots.py": {"public_tenant"}},
}
ENGINE_MAKERS = {"core/db.py": {"_engine"}, "core/migrations.py": {"_upgrade"}}
"""Nothing else opens connections to the database; the queue has a connector of its own."""


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[Connection]:
    """As the owner, to a database that is migrated to the newest revision."""
    engine = create_engine(owner_url(new_database(server_url, "schema")), poolclass=NullPool)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def rows(connection: Connection, query: str) -> list[Any]:
    return list(connection.execute(text(query)))


def test_every_table_is_behind_policies_that_bind_its_owner_too(connection: Connection) -> None:
    found = {
        row.relname: (row.relrowsecurity, row.relforcerowsecurity)
        for row in rows(
            connection,
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class "
            "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
        )
        if not row.relname.startswith("procrastinate_") and row.relname != "alembic_version"
    }
    assert set(found) == TABLES
    assert {name for name, flags in found.items() if flags != (True, True)} == set()


def test_every_table_names_a_tenant_or_a_user() -> None:
    known = {"tenants", "users"}
    for name, table in SQLModel.metadata.tables.items():
        assert name in known or "tenant_id" in table.c, f"{name} belongs to nobody"
        if "tenant_id" in table.c:
            [foreign] = table.c["tenant_id"].foreign_keys
            assert foreign.target_fullname == "tenants.id"


def test_every_policy_of_the_application_compares_with_the_actor(connection: Connection) -> None:
    by_table: dict[str, list[Any]] = {}
    for row in rows(connection, "SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies"):
        by_table.setdefault(row.tablename, []).append(row)
    assert set(by_table) == TABLES
    for table, policies in by_table.items():
        assert {role for policy in policies for role in policy.roles} == {"chatbot_app", "chatbot_platform"}, table
        for policy in policies:
            if "chatbot_platform" in policy.roles:
                continue
            rules = [policy.qual] if policy.cmd == "SELECT" else [policy.qual, policy.with_check]
            for rule in rules:
                assert "current_setting('app." in rule, (table, policy.policyname)
            if "tenant_id" in SQLModel.metadata.tables[table].c and policy.policyname == "tenant":
                assert "tenant_id = " in policy.with_check, table


def test_tables_are_given_to_nobody_else(connection: Connection) -> None:
    query = (
        "SELECT DISTINCT grantee, table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE table_schema = 'public' AND grantee NOT IN (SELECT rolname FROM pg_roles WHERE rolsuper)"
    )
    for row in rows(connection, query):
        assert row.grantee in ("chatbot_app", "chatbot_platform"), row
        allowed = {"SELECT", "INSERT", "UPDATE", "DELETE"}
        if row.grantee == "chatbot_app" and row.table_name in ("usage_events", "audit_entries", "events"):
            allowed = {"SELECT", "INSERT"}
        assert row.privilege_type in allowed, row


def test_times_are_kept_by_the_database(connection: Connection) -> None:
    triggers = rows(connection, "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname='set_updated_at'")
    assert {row.name for row in triggers} == TABLES


def test_references_between_tenants_rows_are_indexed(connection: Connection) -> None:
    """Deleting a bot or a tenant walks each reference to it: without an index that reads whole tables."""
    query = """
        SELECT c.conrelid::regclass::text || '.' || a.attname AS name FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
          AND c.conrelid::regclass::text NOT LIKE 'procrastinate%'
          AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
    """
    # who made a version is asked for by version only, and users are deleted one at a time
    assert {row.name for row in rows(connection, query)} == {"bot_versions.user_id"}


def test_migrations_go_up_down_and_up_again_and_fit_the_models(server_url: str) -> None:
    url = new_database(server_url, "migrations", migrated=False)
    migrations.upgrade(url, SECRET_KEY)
    engine = create_engine(owner_url(url), poolclass=NullPool)
    revisions = [
        script.revision for script in ScriptDirectory.from_config(migrations.alembic_config()).walk_revisions()
    ]
    try:
        run(engine, command.check)  # raises where a model and its table differ
        before = shape(engine)
        for revision in [*revisions[1:], "base"]:  # newest first, each step alone
            run(engine, command.downgrade, revision)
        assert shape(engine)["tables"] == {"alembic_version"}
        assert shape(engine)["functions"] == set()
        for revision in reversed(revisions):
            run(engine, command.upgrade, revision)
        assert shape(engine) == before
        run(engine, command.check)
    finally:
        engine.dispose()


def run(engine: Any, step: Callable[..., Any], *arguments: str) -> None:
    with engine.connect() as opened:
        step(migrations.alembic_config(opened), *arguments)
        opened.commit()


def shape(engine: Any) -> dict[str, set[Any]]:
    """What a migration could leave behind or forget."""
    queries = {
        "tables": "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "policies": "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies",
        "functions": "SELECT proname, prosecdef FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "types": "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'",
        "grants": (
            "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants "
            "WHERE table_schema = 'public'"
        ),
    }
    with engine.connect() as opened:
        found = {name: {tuple(row) for row in opened.execute(text(query))} for name, query in queries.items()}
    return {**found, "tables": {name for (name,) in found["tables"]}}


def test_there_is_one_newest_revision() -> None:
    assert len(ScriptDirectory.from_config(migrations.alembic_config()).get_heads()) == 1


@cache
def code() -> dict[str, list[tuple[str, ast.AST]]]:
    """Of every file, each node with the name of the outermost function; '' at the module's own level."""
    found: dict[str, list[tuple[str, ast.AST]]] = {}
    for path in sorted(CODE.rglob("*.py")):
        nodes = found[str(path.relative_to(CODE))] = []
        for statement in ast.parse(path.read_text()).body:
            is_function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
            name = statement.name if is_function else ""  # type: ignore[union-attr]
            nodes += [(name, node) for node in ast.walk(statement)]
    return found


@pytest.fixture(scope="module", autouse=True)
def forgotten_code() -> Iterator[None]:
    """Two million objects that Python would look through for garbage until the end of the run."""
    yield
    code.cache_clear()


def callers(matches: Callable[[ast.AST], bool]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, nodes in code().items():
        for name, node in nodes:
            if matches(node):
                found.setdefault(path, set()).add(name)
    return found


def test_who_crosses_tenants_is_listed() -> None:
    def platform(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "platform"

    assert callers(platform) == PLATFORM_CALLERS


@pytest.mark.parametrize("lookup", LOOKUP_CALLERS)
def test_who_looks_up_before_a_tenant_is_known_is_listed(lookup: str) -> None:
    def in_sql(node: ast.AST) -> bool:
        return isinstance(node, ast.Constant) and f" {lookup}(" in str(node.value)

    assert callers(in_sql) == LOOKUP_CALLERS[lookup]


def test_there_is_one_door_to_the_database() -> None:
    names = {"create_engine", "create_async_engine"}

    def makes_engine(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names

    assert callers(makes_engine) == ENGINE_MAKERS


def test_services_name_their_principal() -> None:
    """A service function that takes a session takes the principal right after it, or is a part of one that does."""
    for path in sorted((CODE / "services").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            arguments = [argument.arg for argument in node.args.args]
            if path.stem in ("bots", "sources", "conversations", "api_keys") and arguments[:1] == ["session"]:
                known = {"enqueue", "public_tenant"}
                assert arguments[1] == "principal" or node.name in known, f"{path.name}: {node.name}"
