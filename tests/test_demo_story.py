"""The half year that the demo tells: believable, and the same each time."""

from collections import Counter

from service.demo.half_year import BROWSER, DAYS, MACHINES, STRONG, Link, Order, Refund, Visit, happenings
from service.links.visitors import Visitor, classify


def test_it_is_the_same_each_time() -> None:
    assert happenings() == happenings()
    assert happenings() != happenings(8)


def test_everything_follows_what_it_comes_of() -> None:
    told = happenings()
    at = {id(one): place for place, one in enumerate(told)}
    assert all(0 < one.days_ago < DAYS for one in told)
    for place, one in enumerate(told):
        before = {Visit: "link", Refund: "order", Order: "visit"}.get(type(one))
        of = getattr(one, before) if before else None
        assert of is None or at[id(of)] < place


def test_a_few_advocates_bring_most_friends_and_something_goes_wrong() -> None:
    told = happenings()
    visits = Counter(one.link.advocate for one in told if isinstance(one, Visit))
    assert {name for name, _ in visits.most_common(len(STRONG))} == set(STRONG)
    orders = [one for one in told if isinstance(one, Order)]
    by_link = [one for one in orders if one.visit is not None]
    assert 0.2 < len(by_link) / len(orders) < 0.8
    assert any(one.visit is not None and one.customer == one.visit.link.advocate for one in orders)
    assert any(one.link is not None for one in orders)
    assert sum(isinstance(one, Link) for one in told) > len(STRONG)
    assert sum(isinstance(one, Refund) for one in told) > 5


def test_machines_look_at_links_and_are_told_from_people() -> None:
    assert all(classify("GET", {"User-Agent": agent}).is_machine for agent in MACHINES)
    assert classify("GET", {"User-Agent": BROWSER}) is Visitor.PERSON
    agents = Counter(one.agent in MACHINES for one in happenings() if isinstance(one, Visit))
    assert agents[True] > agents[False] / 4
