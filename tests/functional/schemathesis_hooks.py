"""For the schemathesis command: an Idempotency-Key that is valid is made unique, since reusing one is an error."""

from uuid import uuid4

import schemathesis


@schemathesis.hook
def before_call(context, case, kwargs):  # type: ignore[no-untyped-def]
    """Make a valid key a new one; leave what is invalid as it is."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and 1 <= len(key) <= 255 and key.isascii() and key.isprintable():
        case.headers["Idempotency-Key"] = f"{key[:200]}-{uuid4()}"
