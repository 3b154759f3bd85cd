"""Has Django write the SQL of a statement only once, if every message of a customer runs it.

Writing the SQL takes Django 0.2 to 0.8 ms each time, and running it takes PostgreSQL's driver 0.15
ms (2026-11-29, two shared AVX2 cores, others at work). A statement here keeps the SQL that Django
wrote for this database, and each run replaces only the values:

    ASKED = Select(lambda: Reply.objects.filter(id=Given(Reply, "id")))
    reply = ASKED.first(id=7)
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, cast

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet, sql
from django.db.models.query import ModelIterable


class Given(Expression):
    """Stands for a field's value, which is passed to each run under the field's name or another."""

    def __init__(self, model: type[Model], field: str, name: str = "") -> None:
        self.name = name or field
        super().__init__(output_field=cast("Field[Any, Any]", model._meta.get_field(field)))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class Statement(ABC):
    """A statement that is written when it first runs; each run gives it its values."""

    def __init__(self, rows: Callable[[], QuerySet[Any, Any]]) -> None:
        # Called at the first run, since the models and the database are not known before.
        self._rows = rows

    @cached_property
    def _written(self) -> tuple[str, Iterable[Any]]:
        return self._write(self._rows())

    @abstractmethod
    def _write(self, rows: QuerySet[Any, Any]) -> tuple[str, Iterable[Any]]:
        """Return the SQL and its parameters."""

    def _run(self, cursor: Any, given: dict[str, Any]) -> None:
        text, parameters = self._written
        cursor.execute(
            text,
            [
                one.output_field.get_db_prep_save(given[one.name], connection)
                if isinstance(one, Given)
                else one
                for one in parameters
            ],
        )


class Select(Statement):
    """A query for objects of a model, with their annotations, or for values."""

    def _write(self, rows: QuerySet[Any, Any]) -> tuple[str, Iterable[Any]]:
        compiler = rows.query.get_compiler(connection=connection)
        text, parameters = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        self._converters = list(compiler.get_converters(columns).items())
        asks_for_objects = rows._iterable_class is ModelIterable
        self._made = maker(rows.model, compiler) if asks_for_objects else tuple
        return text, parameters

    def all(self, **given: Any) -> list[Any]:
        """Return objects, or tuples if the query asks for values."""
        with connection.cursor() as cursor:
            self._run(cursor, given)
            return [self._made(self._converted(row)) for row in cursor.fetchall()]

    def first(self, **given: Any) -> Any:
        """Return the first object or tuple, or None."""
        return next(iter(self.all(**given)), None)

    def _converted(self, row: Any) -> list[Any]:
        values = list(row)
        for at, (functions, column) in self._converters:
            for function in functions:
                values[at] = function(values[at], column, connection)
        return values


def maker(model: type[Model], compiler: Any) -> Callable[[list[Any]], Any]:
    """Return a function that makes an object from a row of the model's fields and then
    annotations."""
    places = compiler.klass_info["select_fields"]
    names = [compiler.select[at][0].target.attname for at in places]
    annotations = list(compiler.annotation_col_map.items())

    def made(row: list[Any]) -> Any:
        found = model.from_db("default", names, row[places[0] : places[-1] + 1])
        for name, at in annotations:
            setattr(found, name, row[at])
        return found

    return made


class Update(Statement):
    """An UPDATE of the selected rows that sets these fields, given as `new_…`."""

    def __init__(self, rows: Callable[[], QuerySet[Any, Any]], *fields: str) -> None:
        super().__init__(rows)
        self._fields = fields

    def _write(self, rows: QuerySet[Any, Any]) -> tuple[str, Iterable[Any]]:
        query: Any = rows.query.chain(sql.UpdateQuery)
        new = {name: Given(rows.model, name, f"new_{name}") for name in self._fields}
        query.add_update_values(new)
        written: tuple[str, Iterable[Any]] = query.get_compiler(connection=connection).as_sql()
        return written

    def run(self, new: dict[str, Any], **given: Any) -> int:
        """Update the rows, and return how many there were. new: the fields' values."""
        with connection.cursor() as cursor:
            self._run(cursor, given | {f"new_{name}": value for name, value in new.items()})
            return int(cursor.rowcount)
