from pathlib import Path
from uuid import uuid4

from service.links.destinations import Destinations


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
