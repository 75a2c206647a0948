"""Runs the migrations in the transaction that `webapp.database.engine` began."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
