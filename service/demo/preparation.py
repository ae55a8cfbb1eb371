"""The demo: a merchant with a half year behind them, a program, an advocate, and what to try with them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers.contacts import Contact
from service.database.engine import Database
from service.demo.telling import CURRENCY, DISCOUNT_PERCENT, MOST_DISCOUNT, Telling, first_day
from service.links import links
from service.links.evidence import link_token
from service.links.links import NewLink
from service.merchants import keys
from service.merchants import tables as merchants
from service.programs import programs
from service.programs.programs import ProgramFields
from service.settings import STATE, Settings
from service.tokens import TokenSigner

KEPT = STATE / "demo-keys"
"""What the demo is known by, a name and a value a line: `admin`, `checkout`, `marketing` and
`public` for the keys, `merchant`, `program`, `link`."""

NAME = "Demo Shop"
CatchUp = Callable[..., object]
"""catch_up(database, now=...): the worker's round."""


def prepare(database: Database, settings: Settings, *, catch_up: CatchUp, now: datetime) -> str:
    """Make the demo, once, and return what to click and what to paste."""
    signer = TokenSigner(settings.secret_keys)
    merchant_id, program_id = database.write(lambda session: _merchant_and_program(session, signer, settings, now))
    catch_up(database, now=now)
    asked = NewLink(program_id, Contact("ana", "Ana"))
    token, code = database.write(lambda session: _link(session, signer, merchant_id, asked, now))
    link = f"{settings.base_url}/r/{token}"
    kept = {**kept_names(), "link": link}
    if "public" not in kept:
        kept["public"] = database.write(lambda session: keys.create(session, merchant_id, "public", now=now)[1])
    _keep(kept)
    shown = {"key": kept["checkout"], "admin": kept["admin"], "marketing": kept["marketing"]}
    return _TEXT.format(base=settings.base_url, link=link, code=code, **shown)


def kept_names() -> dict[str, str]:
    """What an earlier preparation kept, by the names in `KEPT`; empty before the first."""
    if not KEPT.exists():
        return {}
    return dict(line.split(maxsplit=1) for line in KEPT.read_text().splitlines())


def _keep(names: Mapping[str, str]) -> None:
    KEPT.parent.mkdir(mode=0o700, exist_ok=True)
    KEPT.touch(mode=0o600)
    KEPT.write_text("".join(f"{name} {value}\n" for name, value in names.items()))


def _merchant_and_program(
    session: Session, signer: TokenSigner, settings: Settings, now: datetime
) -> tuple[UUID, UUID]:
    """The demo's own merchant and program, whatever others there are by now; new ones have a half year behind them."""
    destination_url = f"{settings.base_url}/demo/shop"
    kept = kept_names()
    known = {str(row.merchant_id) for row in merchants.merchants(session)}
    if kept.get("merchant") in known:
        merchant_id, program_id = UUID(kept["merchant"]), UUID(kept["program"])
        programs.change(session, merchant_id, program_id, {"destination_url": destination_url}, now=now)
        return merchant_id, program_id
    began = first_day(now)
    merchant, created = keys.create_merchant(session, NAME, CURRENCY, now=began)
    fields: ProgramFields = {
        "name": "Friends of the Demo Shop",
        "currency": CURRENCY,
        "destination_url": destination_url,
        "advocate_reward": {"type": "fixed", "amount": 1000, "as": "credit"},
        "friend_reward": {
            "type": "percent",
            "rate": f"{DISCOUNT_PERCENT}.00",
            "max_amount": MOST_DISCOUNT,
            "as": "discount",
        },
        "hold_days": 0,
    }
    program, _ = programs.create(session, merchant.merchant_id, fields, now=began)
    _keep(
        {
            **{str(scope): key for scope, key in created.items()},
            "merchant": str(merchant.merchant_id),
            "program": str(program.program_id),
        }
    )
    Telling(signer, merchant.merchant_id, program.program_id, now).all_of_it(session)
    return merchant.merchant_id, program.program_id


def _link(session: Session, signer: TokenSigner, merchant_id: UUID, asked: NewLink, now: datetime) -> tuple[str, str]:
    link, _ = links.create(session, merchant_id, asked, now=now)
    return link_token(signer, merchant_id, link.link_id), link.code


_TEXT = """
Orchard's demo is ready.

  Open    {base}/dashboard
          What half a year brought. Sign in with this key:
          {marketing}
  Click   {link}
          Ana's link: it leads a friend to the demo shop. Order something there.
  Then    {base}/demo/shop/account?name=Ana
          Ana's page: her link, her code, and what has grown from them.
  Read    {base}/docs

  Paste   export KEY={key}
          export ADMIN={admin}

          # Gus orders for EUR 50.00 with Ana's code {code}, and a tenth is taken off
          curl -s {base}/v1/conversions -H "Authorization: Bearer $KEY" \\
            -H "Content-Type: application/json" -d '{{"order_id": "demo-1", "amount": 4500, "currency": "EUR",
            "discount_amount": 500, "referral": "{code}",
            "customer": {{"customer_id": "gus", "first_name": "Gus"}}}}'; echo

          # what Ana has now, and what the books say
          curl -s {base}/v1/customers/ana/balance -H "Authorization: Bearer $KEY"; echo
          curl -s {base}/v1/ledger/trial-balance -H "Authorization: Bearer $ADMIN"; echo

Ctrl-C stops the server; `make clean` removes the demo.
"""
