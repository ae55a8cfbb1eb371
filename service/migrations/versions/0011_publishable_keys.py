"""Keys that may stand in a page."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Let a key have that scope."""
    with op.batch_alter_table("api_key") as api_key:
        api_key.drop_constraint("ck_api_key_scope", type_="check")
        api_key.create_check_constraint("ck_api_key_scope", "scope IN ('checkout', 'marketing', 'admin', 'public')")
