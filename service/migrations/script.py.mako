"""${message}"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# oldest_writer = ${repr(down_revision)}, where that release may go on writing: where it finds all that it knows, and what
# is new stays true without it. Otherwise the upgrade shuts it out.


def upgrade() -> None:
    """Bring the schema forward."""
    ${upgrades if upgrades else "pass"}
