"""The one `MetaData` that every table of Deskhand is declared on, and SQL that both databases understand."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = sa.MetaData(naming_convention=NAMING)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index of the rows that meet a condition, in SQL that both databases understand."""
    return sa.Index(name, *columns, unique=unique, info={"where": where})


@sa.event.listens_for(metadata, "before_create")
def _complete_indexes(_metadata: sa.MetaData, connection: sa.Connection, **_options: Any) -> None:
    # An index that is declared with the condition for a database loads that database's drivers, at every start, whichever is used.
    for index in [index for table in metadata.tables.values() for index in table.indexes]:
        if "where" in index.info:
            index.dialect_options[connection.dialect.name]["where"] = sa.text(index.info["where"])


class db_now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock, in epoch seconds. Leases are compared with it alone, so that the workers' clocks do not matter."""

    type = sa.Double()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _db_now_sqlite(_element: db_now, _compiler: Any, **_options: Any) -> str:
    return "db_now()"


@compiles(db_now, "postgresql")
def _db_now_postgresql(_element: db_now, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


class _Values(FunctionElement[Any]):
    inherit_cache = True


def listed(column: sa.Column[Any], parameter: str) -> sa.ColumnElement[bool]:
    """Whether the value of `column` is in the list that is given for `parameter`: one statement, however long the list is."""
    values = sa.bindparam(parameter, type_=sa.JSON().with_variant(sa.ARRAY(column.type), "postgresql"))
    return column.bool_op("IN")(_Values(values))


@compiles(_Values, "sqlite")
def _values_sqlite(element: _Values, compiler: Any, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608 - of a parameter's place, no value


@compiles(_Values, "postgresql")
def _values_postgresql(element: _Values, compiler: Any, **options: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **options)}))"
