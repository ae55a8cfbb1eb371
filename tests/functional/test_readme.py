"""The documents' own commands, run as they stand, against the demo that `make run` serves."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.conftest import ORCHARD, CommandLine
from tests.serving import free_port, serving

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("program", ["curl", "awk", "sed"])
def test_what_the_readme_uses_is_there(program: str) -> None:
    assert shutil.which(program)


def test_the_main_job_of_the_readme_works_as_written(tmp_path: Path) -> None:
    printed = paste("README.md", tmp_path)
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert answers[0]["status"] == "attributed"
    assert answers[0]["advocate_id"] == "ana"
    assert "sound" in printed


def test_the_checkout_of_the_integrators_page_works_as_written(tmp_path: Path) -> None:
    lines = paste("docs/integration.md", tmp_path).splitlines()
    quote, order, explanation, captured, refund, batch = [json.loads(line) for line in lines if line.startswith("{")]
    assert (quote["eligible"], quote["advocate_first_name"]) == (True, "Ana")
    assert quote["friend_reward"] == {"amount": 500, "currency": "EUR", "as": "discount"}
    assert (quote["payable_amount"], order["amount"], order["eligible_amount"]) == (4990, 4990, 5000)
    assert order["status"] == "attributed"
    assert {reward["side"]: reward["amount"] for reward in order["rewards"]} == {"advocate": 1000, "friend": 500}
    assert explanation["customer_text"].startswith("Thank you!")
    assert (captured["status"], captured["captured_amount"]) == ("captured", 300)
    assert {part["side"]: part["amount"] for part in refund["reversals"]} == {"advocate": 500, "friend": 250}
    repeated, guest = batch["results"]
    assert (repeated["status"], repeated["conversion"]["conversion_id"]) == (200, order["conversion_id"])
    assert (guest["status"], guest["conversion"]["customer_id"][:6]) == (201, "guest-")


def paste(document: str, tmp_path: Path) -> str:
    """What the document's commands print, run as they stand beside the demo."""
    [job] = [
        block for block in re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.DOTALL) if "API=" in block
    ]
    url, port = f"sqlite:///{tmp_path / 'orchard.db'}", free_port()
    base_url = f"http://127.0.0.1:{port}"
    CommandLine(url, tmp_path)("demo", ORCHARD_BASE_URL=base_url)
    with serving(url, tmp_path, workers=2) as server:
        script = job.replace("http://localhost:8000", server.base_url).replace(".venv/bin/orchard", str(ORCHARD))
        environment = {
            **os.environ,
            "ORCHARD_DATABASE_URL": url,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
