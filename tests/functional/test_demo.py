"""`make run`: the demo, again and again, on any port, whatever was made since."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path
from uuid import UUID

import requests

from service.demo.half_year import BROWSER, Visit, happenings
from tests.functional.conftest import ORCHARD, CommandLine
from tests.serving import free_port, serving
from tests.shop import Shop, over_network


def kept(folder: Path) -> dict[str, str]:
    """What the demo is known by."""
    return dict(line.split() for line in (folder / "var" / "demo-keys").read_text().splitlines())


def test_a_port_that_is_taken_is_named_before_the_demo_says_that_it_is_ready(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        said = CommandLine(f"sqlite:///{tmp_path / 'o.db'}", tmp_path)("demo", "--serve", str(port), status=1)
    assert "ready" not in said
    assert f"Port {port} is taken. Another one: make run PORT={port + 1}" in said


def test_a_second_run_on_another_port_prints_the_same_program_with_links_that_lead_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'orchard.db'}"
    orchard = CommandLine(url, tmp_path)
    first = orchard("demo")
    before = kept(tmp_path)
    with serving(url, tmp_path, workers=1) as server:
        shop = Shop(over_network(server.base_url), before, UUID(int=0))
        people = sum(isinstance(one, Visit) and one.agent == BROWSER for one in happenings())
        assert shop.get("/stats/summary", scope="marketing")["visits"] == people, "machines are nobody"
        shop.program(name="One of my own")
    port = free_port()
    environment = {**os.environ, "ORCHARD_DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}
    with (tmp_path / "demo.log").open("wb") as output:
        demo = subprocess.Popen(
            [ORCHARD, "demo", "--serve", str(port)], env=environment, cwd=tmp_path, stdout=output, stderr=output
        )
    try:
        base = f"http://localhost:{port}"
        for _ in range(200):
            if b"Listening at" in (tmp_path / "demo.log").read_bytes():
                break
            time.sleep(0.1)
        after, printed = kept(tmp_path), (tmp_path / "demo.log").read_text()
        assert after["program"] == before["program"]
        assert after["checkout"] == before["checkout"]
        assert after["link"].startswith(f"{base}/r/")
        assert after["link"] in printed
        assert re.findall(r"code (\S+)", printed) == re.findall(r"code (\S+)", first)
        start = requests.get(f"{base}/demo", allow_redirects=False, timeout=5)
        assert (start.status_code, start.headers["Location"]) == (302, after["link"])
        arrived = requests.get(after["link"], timeout=5)
        assert arrived.url.startswith(f"{base}/demo/shop?referral=")
        assert arrived.status_code == 200
    finally:
        demo.terminate()
        demo.wait(20)
