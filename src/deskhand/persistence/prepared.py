"""Statements of the hot path, compiled once.

SQLAlchemy Core spends about 130 µs of CPU a statement on top of SQLite's own 35: at some twenty statements a turn that is most of what
a turn may cost. A `Prepared` statement is written in Core all the same, but on SQLite it is compiled a single time and its parameters
go straight to the driver. On PostgreSQL, where the round trip outweighs this, it is executed as ever.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pysqlite3.dbapi2
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.sql.compiler import SQLCompiler

from deskhand.persistence.json_text import from_json, to_json

Parameters = Mapping[str, Any]

_SQLITE = SQLiteDialect_pysqlite(paramstyle="named", dbapi=pysqlite3.dbapi2, json_serializer=to_json, json_deserializer=from_json)


class _Compiled:
    """A statement as SQLite's driver takes it: text, fixed parameters, and what turns values into the driver's and back."""

    __slots__ = ("_binds", "_fixed", "_loads", "_make_row", "text")

    def __init__(self, statement: sa.sql.ClauseElement) -> None:
        compiled = statement.compile(dialect=_SQLITE)
        binds = compiled.binds if isinstance(compiled, SQLCompiler) else {}
        required = dict.fromkeys([name for name, bind in binds.items() if bind.required])
        self.text = str(compiled)
        self._fixed: dict[str, Any] = {}
        if isinstance(compiled, SQLCompiler):
            # An IN over constants is written out only when the statement is given parameters.
            expanded = compiled.construct_expanded_state(required)
            self.text = expanded.statement
            self._fixed = {name: value for name, value in expanded.parameters.items() if name not in required}
        self._binds: dict[str, Callable[[Any], Any]] = {}
        for name, bind in binds.items():
            process = bind.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
            if process is not None and isinstance(bind.type, sa.JSON):
                self._binds[name] = process
        columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
        names = [str(column.key) for column in columns]
        row: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024 - its fields are the statement's columns
        self._make_row: Callable[[Iterable[Any]], Any] = row._make
        self._loads = [
            (index, process)
            for index, column in enumerate(columns)
            if isinstance(column.type, sa.JSON)
            and (process := column.type.dialect_impl(_SQLITE).result_processor(_SQLITE, None)) is not None
        ]

    def bind(self, parameters: Parameters) -> dict[str, Any]:
        values = {**self._fixed, **parameters}
        for name, process in self._binds.items():
            values[name] = process(values[name])
        return values

    def rows(self, raw: Iterable[tuple[Any, ...]]) -> list[Any]:
        if not self._loads:
            return [self._make_row(values) for values in raw]
        rows = []
        for values in raw:
            loaded = list(values)
            for index, process in self._loads:
                loaded[index] = process(loaded[index])
            rows.append(self._make_row(loaded))
        return rows


class Prepared:
    """A Core statement whose parameters are all `bindparam`s or constants."""

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: sa.Select[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        self._statement = statement
        self._compiled: _Compiled | None = None

    def all(self, connection: sa.Connection, parameters: Parameters) -> Sequence[Any]:
        """The rows; their columns are attributes."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, parameters).all()
        compiled = self._sqlite()
        return compiled.rows(_driver(connection).execute(compiled.text, compiled.bind(parameters)))

    def one_or_none(self, connection: sa.Connection, parameters: Parameters) -> Any:
        """The only row, or `None`. The statement must not be able to find two."""
        rows = self.all(connection, parameters)
        return rows[0] if rows else None

    def run(self, connection: sa.Connection, parameters: Parameters) -> int:
        """Execute a statement that changes rows; returns how many it changed."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, parameters).rowcount
        compiled = self._sqlite()
        count: int = _driver(connection).execute(compiled.text, compiled.bind(parameters)).rowcount
        return count

    def _sqlite(self) -> _Compiled:
        if self._compiled is None:
            self._compiled = _Compiled(self._statement)
        return self._compiled


def insert_into(table: sa.Table, *columns: str) -> Prepared:
    """An INSERT of these columns, whose parameters have the columns' names."""
    return Prepared(sa.insert(table).values({name: sa.bindparam(name, type_=table.c[name].type) for name in columns}))


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.dbapi_connection
