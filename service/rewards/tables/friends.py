"""How many friends of an advocate count, as far as it matters."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import String, Uuid, bindparam, text
from sqlalchemy.orm import Session

from service.rewards.tables.rewards import COUNTING

_NEXT_ONE = f"""
    (SELECT reward.friend_id FROM reward
      WHERE merchant_id = :merchant AND program_id = :program AND advocate_id = :advocate AND {COUNTING}
        AND reward.friend_id > %s
      ORDER BY reward.friend_id LIMIT 1)
"""
_NEXT = (
    text(f"""
    WITH RECURSIVE found (friend_id, place) AS (
        SELECT {_NEXT_ONE % ":after"}, 1
        UNION ALL
        SELECT {_NEXT_ONE % "found.friend_id"}, place + 1
        FROM found WHERE found.friend_id IS NOT NULL AND place < :most
    )
    SELECT friend_id, (SELECT person_id FROM customer
        WHERE customer.merchant_id = :merchant AND customer.customer_id = found.friend_id) AS person_id
    FROM found WHERE friend_id IS NOT NULL
    """)
    .bindparams(bindparam("merchant", type_=Uuid), bindparam("program", type_=Uuid))
    .bindparams(bindparam("advocate", type_=String), bindparam("after", type_=String))
    .columns(friend_id=String, person_id=Uuid)
    .execution_options(prepared=True)
)
"""From one friend to the next, each found by the index: an advocate's thousand orders of one friend are not read."""


def rewarded_friends(
    session: Session,
    merchant_id: UUID,
    *,
    program_id: UUID,
    advocates: Collection[str],
    besides: Collection[str],
    most: int,
) -> int:
    """How many friends this advocate's cap and tiers count in this program, without the friend `besides`.

    advocates, besides: all customers who are one of them. A friend with several customers is one. most: as many as
    cap and tiers tell apart; where there are more, nobody counts on.
    """
    found: set[UUID | str] = set()
    for advocate in advocates if most else ():
        asked = {"merchant": merchant_id, "program": program_id, "advocate": advocate}
        for friend_id, person_id in _friends(session, asked, most + len(besides)):
            if len(found) >= most:
                return most
            if friend_id not in besides:
                found.add(person_id or friend_id)
    return len(found)


def _friends(session: Session, asked: dict[str, object], together: int) -> Iterator[tuple[str, UUID | None]]:
    """(friend, the person who they are with others) of one advocate, so many asked for at a time."""
    after = ""
    while rows := session.execute(_NEXT, {**asked, "after": after, "most": together}).all():
        yield from ((row.friend_id, row.person_id) for row in rows)
        if len(rows) < together:
            return
        after = rows[-1].friend_id
