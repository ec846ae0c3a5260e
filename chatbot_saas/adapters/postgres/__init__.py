"""The embedded PostgreSQL server: the default database where no `DATABASE_URL` is given.

`EmbeddedPostgres` is all that other modules need. The files beside it each answer one question: who uses the server
(`users`), does it run (`process`), under which account (`account`), and what happens when (`server`).
docs/decisions/0001-postgres-everywhere-and-embedded.md says why it exists. Linux and macOS only.
"""

from chatbot_saas.adapters.postgres.server import DATABASE, EmbeddedPostgres

__all__ = ["DATABASE", "EmbeddedPostgres"]
