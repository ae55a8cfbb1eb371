from pathlib import Path
from uuid import uuid4

from service.links.destinations import Destinations
from service.links.evidence import LinkEvidence


def test_what_one_process_learns_another_one_knows(tmp_path: Path) -> None:
    one, other, link = Destinations(tmp_path), Destinations(tmp_path), uuid4()
    assert other.recall(link) is None
    one.remember(link, "https://shop.example/a")
    assert other.recall(link) == "https://shop.example/a"
    other.remember(link, "https://shop.example/b")
    assert Destinations(tmp_path).recall(link) == "https://shop.example/b"


def test_a_link_that_leads_nowhere_is_forgotten_by_all(tmp_path: Path) -> None:
    one, link = Destinations(tmp_path), uuid4()
    one.remember(link, "https://shop.example")
    Destinations(tmp_path).forget(link)
    assert Destinations(tmp_path).recall(link) is None


def test_without_a_folder_destinations_live_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    destinations, link = Destinations(tmp_path / "file"), uuid4()
    destinations.remember(link, "https://shop.example")
    assert destinations.recall(link) == "https://shop.example"
    assert destinations.recall(uuid4()) is None


def test_whose_a_code_is_is_known_by_all_and_the_code_is_not_to_be_read(tmp_path: Path) -> None:
    one, link = Destinations(tmp_path), LinkEvidence(uuid4(), uuid4())
    one.remember_code("acme", "ANNABELLE", link)
    other = Destinations(tmp_path)
    assert other.recall_code("acme", "ANNABELLE") == link
    assert other.recall_code("other", "ANNABELLE") is None
    assert b"ANNABELLE" not in (tmp_path / "destinations.db").read_bytes()
