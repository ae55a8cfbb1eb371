"""Feed a file of orders through the same use case as the API."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from service import currencies
from service.conversions import conversions
from service.conversions.conversions import Recorded
from service.conversions.orders import Order
from service.customers.contacts import Contact
from service.database.batches import TOGETHER, each
from service.database.engine import Database
from service.database.writing import write_now
from service.errors import ReferralError
from service.links import links
from service.links.evidence import link_token
from service.links.links import NewLink
from service.tokens import TokenSigner
from service.values import LONGEST_FIRST_NAME, fault_of_text

REQUIRED = {"order_id", "customer_id", "amount_minor"}
TIMES = ("ordered_at", "ordered_on")


class BadFile(Exception):
    """The file as a whole cannot be read as orders."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose orders the file has. program_id: where friend_of is to earn. currency: of rows that name none.

    zone: of its days.
    """

    merchant_id: UUID
    program_id: UUID | None
    currency: str
    zone: tzinfo = UTC


@dataclass(slots=True)
class Tally:
    """What became of the rows. faults: (line of the file, why it was refused)."""

    new: int = 0
    known: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)


Row = tuple[int, dict[str, str]]


def count(path: str) -> int:
    """How many orders the file has. Raises BadFile."""
    return sum(1 for _ in _rows(path))


def replay(
    database: Database, signer: TokenSigner, path: str, source: Source, *, advance: Callable[[int], object]
) -> Tally:
    """Record every order of the file. Running it again changes nothing.

    A row that cannot be an order is refused by its line; the others go on. advance: told how many rows are done.
    Raises BadFile.
    """
    if currencies.exponent(source.currency) is None:
        raise BadFile(f"{source.currency} is not a currency of ISO 4217.")
    tally, rows = Tally(), _rows(path)
    work = partial(_record, signer=signer, source=source)
    while batch := list(islice(rows, TOGETHER)):
        done = each(database, [row for _, row in batch], work, faults=(ValueError, OverflowError, ReferralError))
        for (line, _), one in zip(batch, done, strict=True):
            if isinstance(one, Exception):
                tally.faults.append((line, str(one)))
                continue
            tally.new += one.is_new
            tally.known += not one.is_new
            tally.statuses[one.conversion.status] += 1
        advance(len(batch))
    return tally


def _record(session: Session, row: dict[str, str], *, signer: TokenSigner, source: Source) -> Recorded:
    now = datetime.now(UTC)
    order = _order(source, row)
    order.refuse_bad_time(now=now)
    if row.get("friend_of"):
        order = replace(order, referral=_link_of(session, signer, source, row["friend_of"].strip(), now))
    return conversions.record(session, signer, source.merchant_id, order, now=now)


def _order(source: Source, row: dict[str, str]) -> Order:
    ordered_at = _time(row, source.zone)
    first_name = row.get("first_name") or None
    if first_name is not None and fault_of_text(first_name, most=LONGEST_FIRST_NAME):
        first_name = None  # nothing optional fails an order
    contact = Contact(row["customer_id"].strip(), first_name)
    currency = row.get("currency") or source.currency
    return Order(
        order_id=row["order_id"].strip(),
        amount=_amount(row, "amount_minor"),
        currency=currency,
        customer=contact,
        referral=row.get("referral") or None,
        ordered_at=ordered_at,
        discount_amount=_amount(row, "discount_amount_minor") if row.get("discount_amount_minor") else None,
        eligible_amount=_amount(row, "eligible_amount_minor") if row.get("eligible_amount_minor") else None,
    )


def _amount(row: dict[str, str], column: str) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", row[column]):
        raise ValueError(f"{column} must be an integer in minor units, 0 or more")
    return int(row[column])


def _link_of(session: Session, signer: TokenSigner, source: Source, advocate_id: str, now: datetime) -> str:
    """The token of the advocate's link, as if the friend had followed it just before the order."""
    if source.program_id is None:
        raise ValueError("friend_of needs --program")
    asked = NewLink(source.program_id, Contact(advocate_id), channel="replay")
    link, _ = links.create(session, source.merchant_id, asked, now=now)
    write_now(session)
    return link_token(signer, source.merchant_id, link.link_id)


def _time(row: dict[str, str], zone: tzinfo) -> datetime:
    if row.get("ordered_at"):
        moment = datetime.fromisoformat(row["ordered_at"])
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not row.get("ordered_on"):
        raise ValueError("the order needs ordered_at or ordered_on")
    day = date.fromisoformat(row["ordered_on"])
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _rows(path: str) -> Iterator[Row]:
    line = 0
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            _refuse_other_files(set(reader.fieldnames or ()))
            for row in reader:
                line = reader.line_num
                yield line, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadFile(f"The file cannot be read after line {line}: {error}.") from error


def _refuse_other_files(names: set[str]) -> None:
    if missing := REQUIRED - names:
        raise BadFile(f"The file lacks these columns: {', '.join(sorted(missing))}.")
    if not names & set(TIMES):
        raise BadFile("The file needs a column ordered_at or ordered_on.")
