"""Several statements to PostgreSQL in one way there and back. See docs/decisions/0013-inserts-travel-together.md."""

from typing import Any, Self

import psycopg


class AnsweringCursor(psycopg.Cursor[Any]):
    """In a pipeline, leaves inserts queued, and waits for all other answers, as SQLAlchemy looks at them at once."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Run the statement, or queue it."""
        super().execute(query, params, **options)
        queued = query.startswith("INSERT") and " RETURNING " not in query
        if self.connection.info.pipeline_status and not queued:
            try:
                self.scroll(0, mode="absolute")
            except IndexError:  # the answer has no rows
                pass
            except psycopg.ProgrammingError as error:  # ours, where the statement has none; the server's have a state
                if error.sqlstate is not None:
                    raise
        return self
