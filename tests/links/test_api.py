from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select, update

from service.conversions.tables.conversions import Conversion
from service.database.engine import Database
from service.links.evidence import as_document
from tests.shop import Shop


def test_there_is_one_link_for_each_program_customer_and_channel(shop: Shop) -> None:
    program = shop.program()
    body = {"program_id": program["program_id"], "customer": {"customer_id": "ana", "first_name": "Ana"}}
    first = shop.post("/links", body, scope="checkout")
    assert shop.post("/links", body, status=200, scope="checkout") == first
    other = shop.post("/links", {**body, "channel": "instagram"}, scope="checkout")
    assert other["link_id"] != first["link_id"]
    assert shop.get("/links")["data"] == [other, first]
    assert shop.get(f"/links?program_id={program['program_id']}&customer_id=ana&limit=1")["data"] == [other]
    assert shop.get(f"/links/{first['link_id']}") == first


def test_a_links_url_is_short_signed_and_holds_nothing_personal(shop: Shop) -> None:
    link = shop.link(shop.program(), "anastasia@example.com", customer={"first_name": "Anastasia"})
    token = link["url"].partition("/r/")[2]
    assert len(token) <= 80
    assert "anastasia" not in token.lower()
    assert link["code"].startswith("ANASTA")


def test_a_vanity_code_is_matched_in_any_spelling_and_belongs_to_one_link(shop: Shop) -> None:
    program = shop.program()
    one, other = shop.link(program), shop.link(program, "ben")
    changed = shop.patch(f"/links/{one['link_id']}", {"code": "ana means tea"})
    assert changed["code"] == "ANA-MEANS-TEA"
    assert shop.patch(f"/links/{one['link_id']}", {"code": "ANA MEANS TEA"})["code"] == "ANA-MEANS-TEA"
    shop.patch(f"/links/{other['link_id']}", {"code": "anameanstea"}, status=409)
    shop.patch(f"/links/{other['link_id']}", {"code": "HEY"}, status=422)
    assert shop.order(referral="Ana Means-Tea")["advocate_id"] == "ana"


def test_a_revoked_link_can_be_brought_back(shop: Shop) -> None:
    link = shop.link(shop.program())
    for status in ("revoked", "active"):
        assert shop.patch(f"/links/{link['link_id']}", {"status": status})["status"] == status
    assert shop.order(referral=link["code"])["status"] == "attributed"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://shop.example/tea", 201),
        ("https://other.example/tea", 201),
        ("https://evil.example/", 422),
        ("https://shop.example@evil.example/", 422),
        ("https://shop.example.evil.example/", 422),
        ("http://shop.example/", 422),
        ("https://SHOP.example/", 201),
    ],
)
def test_a_link_leads_only_to_hosts_that_the_program_allows(shop: Shop, url: str, status: int) -> None:
    program = shop.program(allowed_hosts=["other.example"])
    body = {"program_id": program["program_id"], "customer": {"customer_id": "ana"}, "destination_url": url}
    shop.post("/links", body, status=status)


def test_a_link_cannot_expire_before_it_begins(shop: Shop) -> None:
    program = shop.program()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    body = {"program_id": program["program_id"], "customer": {"customer_id": "ana"}, "expires_at": past}
    assert shop.post("/links", body, status=422)["errors"][0]["field"] == "expires_at"


def test_many_advocates_of_one_name_get_codes_of_their_own(shop: Shop) -> None:
    program = shop.program()
    codes = {shop.link(program, f"ana-{number}")["code"] for number in range(60)}
    assert len(codes) == 60


@pytest.mark.parametrize("code", ["WELCOME", "SUMMER25", "ANA10", "Olivia", "HELLO 2026"])
def test_words_are_codes(shop: Shop, code: str) -> None:
    link = shop.link(shop.program())
    assert shop.patch(f"/links/{link['link_id']}", {"code": code})["code"] == code.upper().replace(" ", "-")
    assert shop.order(referral=f"\ufeff“{code.lower()}”.")["advocate_id"] == "ana"


def test_a_code_that_was_given_out_never_dies_and_is_never_given_to_another(shop: Shop) -> None:
    program = shop.program()
    ana, ben = shop.link(program), shop.link(program, "ben")
    printed = ana["code"]
    for code in ("ANA-TEA", "ANA-COFFEE"):
        shop.patch(f"/links/{ana['link_id']}", {"code": code})
    for taken in (printed, "ana tea", "ANA C0FFEE"):
        shop.patch(f"/links/{ben['link_id']}", {"code": taken}, status=409)
        assert shop.order(referral=taken)["advocate_id"] == "ana"
    assert shop.get(f"/links/{ana['link_id']}")["code"] == "ANA-COFFEE"
    assert shop.patch(f"/links/{ana['link_id']}", {"code": printed})["code"] == printed
    assert shop.get(f"/links/{ben['link_id']}") == ben


def test_the_same_code_belongs_to_somebody_else_at_another_shop(new_shop: Callable[[], Shop]) -> None:
    for one in (new_shop(), new_shop()):
        link = one.link(one.program())
        assert one.patch(f"/links/{link['link_id']}", {"code": "WELCOME"})["code"] == "WELCOME"


@pytest.mark.parametrize(("code", "said"), [("SHIT25", "offence"), ("ABC", "4 to 32"), ("x" * 33, "4 to 32")])
def test_what_cannot_be_a_code_is_told_and_changes_nothing(shop: Shop, code: str, said: str) -> None:
    link = shop.link(shop.program())
    refused = shop.patch(f"/links/{link['link_id']}", {"code": code, "status": "revoked"}, status=422)
    assert said in refused["errors"][0]["message"]
    assert shop.get(f"/links/{link['link_id']}") == link


def test_one_link_gets_no_more_codes_than_somebody_needs(shop: Shop) -> None:
    link = shop.link(shop.program())
    for number in range(19):
        shop.patch(f"/links/{link['link_id']}", {"code": f"WORD-{number + 60}"})
    assert shop.patch(f"/links/{link['link_id']}", {"code": "ONE-MORE"}, status=422)["errors"][0]["field"] == "code"
    assert shop.patch(f"/links/{link['link_id']}", {"code": "word 60"})["code"] == "WORD-60"


def test_another_destination_is_another_link_and_an_expiry_that_is_said_replaces_the_old_one(shop: Shop) -> None:
    program = shop.program()
    body = {"program_id": program["program_id"], "customer": {"customer_id": "ana"}}
    plain = shop.post("/links", body, scope="checkout")
    tea = shop.post("/links", {**body, "destination_url": "https://shop.example/tea"}, scope="checkout")
    assert tea["link_id"] != plain["link_id"]
    assert tea["destination_url"] == "https://shop.example/tea"
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    for expires_at in (soon, soon + timedelta(days=1)):
        again = shop.post("/links", {**body, "expires_at": expires_at.isoformat()}, status=200, scope="checkout")
        assert again == {**plain, "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    assert shop.post("/links", body, status=200, scope="checkout") == again


def test_the_status_is_what_a_friend_would_meet_now(shop: Shop) -> None:
    program = shop.program()
    soon = datetime.now(UTC) + timedelta(minutes=5)
    link = shop.link(program, expires_at=soon.isoformat())
    path = f"/links/{link['link_id']}"
    with time_machine.travel(soon, tick=False):
        assert shop.get(path)["status"] == "expired"
        later = (soon + timedelta(hours=1)).isoformat()
        assert shop.patch(path, {"expires_at": later})["status"] == "active"
        assert shop.follow(link).status_code == 302
        assert shop.patch(path, {"expires_at": soon.isoformat()}, status=422)["errors"][0]["field"] == "expires_at"
        assert shop.patch(path, {"expires_at": None})["expires_at"] is None
    for status, met in (("paused", "paused"), ("ended", "ended"), ("active", "active")):
        shop.patch(f"/programs/{program['program_id']}", {"status": status})
        assert (shop.get(path)["status"], shop.get("/links")["data"][0]["status"]) == (met, met)
    assert shop.patch(path, {"status": "revoked"})["status"] == "revoked"


def test_a_program_that_has_ended_gives_no_more_links(shop: Shop) -> None:
    program = shop.program()
    shop.link(program)
    shop.patch(f"/programs/{program['program_id']}", {"status": "ended"})
    for advocate in ("ana", "ben"):
        body = {"program_id": program["program_id"], "customer": {"customer_id": advocate}}
        assert shop.post("/links", body, status=409)["type"].endswith("#program-ended")


def test_an_order_that_came_with_a_code_nobody_could_read_then_is_the_same_order_now(
    shop: Shop, database: Database
) -> None:
    link = shop.link(shop.program())
    order = shop.order("ben", order_id="o-1", referral="SUMMER25")
    assert order["reasons"] == ["invalid_referral"]
    unread = as_document(None, "SUMMER25")
    with database.engine.begin() as connection:
        same = Conversion.conversion_id == UUID(order["conversion_id"])
        reported = connection.execute(select(Conversion.reported).where(same)).scalar_one()
        connection.execute(update(Conversion).where(same).values(reported={**reported, "referral": unread}))
    shop.patch(f"/links/{link['link_id']}", {"code": "SUMMER25"})
    again = shop.order("ben", order_id="o-1", referral="SUMMER25", status=200)
    assert again["conversion_id"] == order["conversion_id"]


def test_a_code_that_grows_in_latin_letters_has_room_or_is_refused(shop: Shop) -> None:
    link = shop.link(shop.program())
    wide = "-".join("ж" * 16)
    for code, status in ((wide, 422), ("ZH" * 16, 200), (wide, 422), ("ж" * 16, 200)):
        shop.patch(f"/links/{link['link_id']}", {"code": code}, status=status)
    assert shop.get(f"/links/{link['link_id']}")["code"] == "ZH" * 16
