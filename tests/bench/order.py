"""What the service asks PostgreSQL for a referred order, as a script for pgbench: the same work without a service."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from unittest.mock import patch

from structlog.testing import capture_logs

from service.app import create_app
from service.database.driver import CheckoutConnection
from service.database.postgresql import OPTIONS
from service.settings import Settings
from tests.bench.loads import CONNECTIONS, SECONDS, Load, Prepared
from tests.postgres import BINARIES, PostgreSQL
from tests.serving import SECRET

EARLIER = 6
"""Orders before the one that is written down: after them, its statements are those of every other."""
ADVOCATE = 1
HEADER = r"""\set n random(1, 1000000000000)
\set a random(1, 1000)
\set slot random(0, 31)
"""
_SLOT = re.compile(
    r"CAST\(\$\d+ AS text\), CAST\(\$\d+ AS text\), CAST\(\$(\d+) AS smallint\), CAST\(\$\d+ AS text\),"
    r" CAST\(\$\d+ AS bigint\), CAST\(\$(\d+) AS bigint\)"
)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
Asked = tuple[str, Sequence[bytes | None]]


def pgbench(postgres: PostgreSQL, data: Prepared) -> Load:
    """One round of an order's statements, without a service; p99 is not measured."""
    script = data.tokens.parent / "order.sql"
    if not script.exists():
        script.write_text(script_of_an_order(data))
    name = data.url.partition("?")[0].rpartition("/")[2]
    command = [str(BINARIES / "pgbench"), "-h", str(postgres.folder), "-U", "postgres", "-n", "-M", "prepared"]
    command += ["-c", str(CONNECTIONS), "-j", "2", "-T", str(SECONDS), "-f", str(script), name]
    environment = {**os.environ, "PGOPTIONS": OPTIONS}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    per_second = float(re.findall(r"tps = ([\d.]+)", output)[0])
    return Load(per_second, 0.0, 0, int(re.findall(r"actually processed: (\d+)", output)[0]))


def script_of_an_order(data: Prepared) -> str:
    """One look at the key, and one transaction, for any advocate and a new friend."""
    (key, *order) = _asked_for_an_order(data)
    own = _Own({data.merchant_id.hex, data.program_id.hex, f"{0:032x}"})
    statements = [own.written(text, values) for text, values in order]
    script = "\n".join([HEADER, own.written(*key), "BEGIN;", *statements, "COMMIT;", ""])
    assert script.count(":slot") == 1, "many would write to one slot"
    return script


def _asked_for_an_order(data: Prepared) -> list[Asked]:
    url = data.url.replace("postgresql://", "postgresql+psycopg://")
    app = create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0))
    token = data.tokens.read_text().split()[ADVOCATE - 1]
    asked: list[Asked] = []
    run = CheckoutConnection._run

    def note(connection: CheckoutConnection, text: str, values: Sequence[bytes | None]) -> object:
        asked.append((text, values))
        return run(connection, text, values)

    with patch.object(CheckoutConnection, "_run", note), capture_logs():
        for number in range(EARLIER + 1):
            asked.clear()
            name = f"written-{number}"
            body = {"order_id": name, "amount": 5000, "currency": "EUR", "customer": {"customer_id": name}}
            headers = {"Authorization": f"Bearer {data.key}", "Idempotency-Key": name}
            answer = app.test_client().post("/v1/conversions", json={**body, "referral": token}, headers=headers)
            assert answer.status_code == 201, answer.text
    app.extensions["orchard"].database.dispose()
    return asked


class _Own:
    """Writes statements with their values, of which those that are this order's own become pgbench's variables."""

    def __init__(self, shared: set[str]) -> None:
        """shared: the ids that all orders share."""
        self._shared = shared
        self._fresh: dict[str, str] = {}

    def written(self, text: str, values: Sequence[bytes | None]) -> str:
        """The statement, in a line."""
        literals = [self._literal(value) for value in values]
        for slot, floor in _SLOT.findall(text):
            if values[int(floor) - 1] is None:  # an account that many write to at once
                literals[int(slot) - 1] = ":slot"
        return re.sub(r"\$(\d+)", lambda found: literals[int(found[1]) - 1], text).replace("\n", " ") + ";"

    def _literal(self, value: bytes | None) -> str:
        if value is None:
            return "NULL"
        if value.startswith(b"\\x"):  # bytes, which are written in digits that may look like an id
            return _quoted(value.decode())
        pieces = list(self._pieces(value.decode()))
        return pieces[0] if len(pieces) == 1 else f"({' || '.join(pieces)})"

    def _pieces(self, value: str) -> Iterator[str]:
        """What is shared, as text, and what is not, as an expression that is text."""
        end = 0
        for found in re.finditer(rf"{_UUID.pattern}|written-{EARLIER}|(?<=advocate-){ADVOCATE}", value):
            if value[end : found.start()]:
                yield _quoted(value[end : found.start()])
            yield self._expression(found[0])
            end = found.end()
        if value[end:] or not value:
            yield _quoted(value[end:])

    def _expression(self, name: str) -> str:
        if name.startswith("written"):
            return "('w' || :n::bigint)"
        if name == str(ADVOCATE):
            return ":a::bigint"
        name = name.replace("-", "")
        if name == f"{ADVOCATE:032x}":
            return "lpad(to_hex(:a::bigint), 32, '0')"
        if name in self._shared:
            return _quoted(name)
        place = self._fresh.setdefault(name, f"{len(self._fresh):02x}")
        milliseconds = "lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')"
        return f"({milliseconds} || '7' || lpad(to_hex(:n::bigint), 17, '0') || '{place}')"


def _quoted(text: str) -> str:
    """As a literal in which pgbench finds no variable of its own."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\072")
    return f"E'{escaped}'"
