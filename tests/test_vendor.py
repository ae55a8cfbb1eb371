"""What others wrote and we serve: unchanged, with its licence, and nothing else beside it."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "service"
FOLDERS = sorted(path for path in ROOT.glob("*/vendor/*") if path.is_dir())
OURS = {"README.md", "SHA256SUMS"}


def test_everything_that_others_wrote_is_in_a_folder_of_its_own() -> None:
    assert [folder.name for folder in FOLDERS] == ["uplot", "dejavu", "swagger-ui"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_vendored_files_are_what_their_checksums_say(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert {name: digest for name, digest in files.items() if name not in OURS} == sums
    assert "LICENSE" in sums
    assert re.search(r"npm|https://", (folder / "README.md").read_text())
