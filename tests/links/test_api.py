from datetime import UTC, datetime, timedelta

import pytest

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
    shop.patch(f"/links/{other['link_id']}", {"code": "HELLO"}, status=422)
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
