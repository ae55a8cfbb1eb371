"""The demo: a merchant, a program, an advocate, a file of earlier orders, and what to try with them."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from service import worker
from service.conversions import replay
from service.customers.customers import Contact
from service.database.engine import Database
from service.links import links
from service.links.evidence import link_token
from service.links.links import NewLink
from service.merchants import keys
from service.merchants import tables as merchants
from service.programs import programs
from service.programs import tables as program_storage
from service.settings import STATE, Settings
from service.tokens import TokenSigner

KEYS = STATE / "demo-keys"
ORDERS = Path(__file__).parent / "orders.csv"
NAME = "Demo Shop"


def prepare(database: Database, settings: Settings, *, now: datetime) -> str:
    """Make the demo, once, and return what to click and what to paste."""
    signer = TokenSigner(settings.secret_keys)
    merchant_id, program_id = database.write(lambda session: _merchant_and_program(session, settings, now))
    source = replay.Source(merchant_id, program_id, "EUR")
    replay.replay(database, signer, str(ORDERS), source, advance=lambda _: None)
    worker.round_of_upkeep(database, now=now)
    asked = NewLink(program_id, Contact("ana", "Ana"))
    link, code = database.write(lambda session: _link(session, signer, merchant_id, asked, now))
    return _TEXT.format(
        base=settings.base_url, key=_kept_keys()["checkout"], admin=_kept_keys()["admin"], link=link, code=code
    )


def _merchant_and_program(session: Session, settings: Settings, now: datetime) -> tuple[UUID, UUID]:
    existing = next((row for row in merchants.merchants(session) if row.name == NAME), None)
    if existing is not None and KEYS.exists():
        [program] = program_storage.page(session, existing.merchant_id, limit=1, after=None)
        return existing.merchant_id, program.program_id
    merchant, created = keys.create_merchant(session, NAME, "EUR", now=now)
    fields = {
        "name": "Friends of the Demo Shop",
        "currency": "EUR",
        "destination_url": f"{settings.base_url}/demo/shop",
        "advocate_reward": {"type": "fixed", "amount": 1000, "as": "credit"},
        "friend_reward": {"type": "percent", "rate": "10.00", "max_amount": 2000, "as": "discount"},
        "hold_days": 0,
    }
    program, _ = programs.create(session, merchant.merchant_id, fields, now=now)
    KEYS.parent.mkdir(mode=0o700, exist_ok=True)
    KEYS.touch(mode=0o600)
    KEYS.write_text("".join(f"{scope} {key}\n" for scope, key in created.items()))
    return merchant.merchant_id, program.program_id


def _link(session: Session, signer: TokenSigner, merchant_id: UUID, asked: NewLink, now: datetime) -> tuple[str, str]:
    link, _ = links.create(session, merchant_id, asked, now=now)
    return link_token(signer, merchant_id, link.link_id), link.code


def _kept_keys() -> dict[str, str]:
    pairs = ((line.split()[0], line.split()[1]) for line in KEYS.read_text().splitlines())
    return dict(pairs)


_TEXT = """
Orchard's demo is ready.

  Click   {base}/r/{link}
          Ana's link: it leads to the demo shop, which shows what to paste next.
  Read    {base}/docs

  Paste   export KEY={key}
          export ADMIN={admin}

          # Gus orders for EUR 50.00 with Ana's code {code}
          curl -s {base}/v1/conversions -H "Authorization: Bearer $KEY" \\
            -H "Content-Type: application/json" -d '{{"order_id": "demo-1", "amount": 5000, "currency": "EUR",
            "customer": {{"customer_id": "gus", "first_name": "Gus"}}, "referral": "{code}"}}'

          # what Ana has now, and what the books say
          curl -s {base}/v1/customers/ana/balance -H "Authorization: Bearer $KEY"
          curl -s {base}/v1/ledger/trial-balance -H "Authorization: Bearer $ADMIN"

Ctrl-C stops the server; `make clean` removes the demo.
"""
