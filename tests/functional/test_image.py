"""The image: built as the Dockerfile says, and run as a container would run it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import pytest
import requests

from tests.conftest import missing
from tests.functional.conftest import CommandLine
from tests.serving import SECRET, free_port

ROOT = Path(__file__).parents[2]
CERTIFICATES = "/etc/ssl/certs"
ENVIRONMENT = {
    "ORCHARD_DATABASE_URL": "sqlite:////data/orchard.db",
    "ORCHARD_SECRET_KEYS": SECRET,
    "ORCHARD_BASE_URL": "https://friends.shop.example",
}
UNWANTED = ("pip", "pip-*", "setuptools", "setuptools-*", "ensurepip", ".cache")


def buildah(*arguments: str, status: int = 0, seconds: float = 400) -> str:
    """Run it; what it prints."""
    done = subprocess.run(
        ["buildah", *arguments], capture_output=True, text=True, timeout=seconds, check=False, cwd=ROOT
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def unable(why: str) -> NoReturn:
    """Skip loudly, in CI too: what this sandbox does not permit, nobody can install."""
    print(f"\n*** SKIPPED: NO IMAGE CAN BE BUILT HERE: {why.strip()[-300:]} ***", file=sys.stderr)  # noqa: T201
    pytest.skip("no image can be built here")


def tried(*command: str) -> None:
    """Run what a sandbox may not permit."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        unable(f"{command[0]}: {done.stderr}")


def base(folder: Path) -> str:
    """The image to build on: the one that the Dockerfile names, or Debian's own Python where no registry is reached."""
    named = re.search(r"^ARG PYTHON=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert named
    assert "@sha256:" in named[1]
    if subprocess.run(["buildah", "pull", "-q", named[1]], capture_output=True, check=False).returncode == 0:
        return named[1]
    packages = "--include=python3,python3-venv,ca-certificates"
    debian = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    if shutil.which("mmdebstrap") is None or debian is None:
        missing("a registry or mmdebstrap to build the image on")
    files = folder / "base.tar"
    tried("mmdebstrap", "--variant=minbase", packages, debian[1], str(files))
    name, empty = f"localhost/python:{uuid4().hex}", f"base-{uuid4().hex}"
    tried("buildah", "from", "--name", empty, "scratch")
    buildah("add", "-q", empty, str(files), "/")
    buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", empty)
    buildah("commit", "-q", "--rm", empty, name)
    return name


@contextmanager
def built(folder: Path) -> Iterator[str]:
    """The image, for as long as it is needed."""
    if shutil.which("buildah") is None:
        missing("buildah")
    own, name = base(folder), f"localhost/orchard:{uuid4().hex}"
    (folder / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}/ca-certificates.crt\n")
    mounted = [f"{CERTIFICATES}:{CERTIFICATES}:ro", f"{folder}/pip.conf:/etc/pip.conf:ro"]
    volumes = [part for volume in mounted for part in ("--volume", volume)]
    try:
        probe = buildah("from", own).strip()
        tried("buildah", "run", "--isolation", "chroot", probe, "--", "true")
        buildah("rm", probe)
        arguments = (
            "--format",
            "docker",
            "--isolation",
            "chroot",
            *volumes,
            "--build-arg",
            f"PYTHON={own}",
            "-t",
            name,
        )
        buildah("build", "-q", *arguments, ".")
        yield name
    finally:
        for image in (name, own):
            subprocess.run(["buildah", "rmi", "-f", image], capture_output=True, check=False)


class Container:
    """One container of the image."""

    def __init__(self, image: str) -> None:
        self.name = buildah("from", image).strip()

    def _command(self, *arguments: str, **environment: str) -> list[str]:
        given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        return ["run", "--isolation", "chroot", *given, self.name, "--", *arguments]

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run this in it, without settings."""
        return buildah(*self._command(*arguments), status=status, seconds=60)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """While this runs in it, with its settings."""
        process = subprocess.Popen(
            ["buildah", *self._command(*arguments, **ENVIRONMENT)], stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def until_well(container: Container) -> None:
    """Wait until what runs there says that it is well."""
    deadline = time.monotonic() + 30
    while "well" not in (said := container.run("sh", "-c", "orchard health || true")):
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def test_the_image_serves_and_works_and_says_how_it_is(tmp_path: Path) -> None:
    with built(tmp_path) as image:
        described: dict[str, Any] = json.loads(buildah("inspect", image))["Docker"]["config"]
        assert described["Healthcheck"]["Test"] == ["CMD", "orchard", "health"]
        assert described["Volumes"] == {"/data": {}}
        assert described["User"] == "10001"
        assert described["Labels"]["org.opencontainers.image.title"] == "Orchard"
        container = Container(image)
        try:
            for unwanted in UNWANTED:
                assert container.run("find", "/usr/local", "/venv", "/data", "-name", unwanted) == ""
            assert "ORCHARD_DATABASE_URL: required" in container.run("orchard", "serve", status=1)
            assert "Nothing of Orchard runs" in container.run("orchard", "health", status=1)
            with container.running("orchard", "db", "upgrade") as upgrade:
                assert upgrade.wait(60) == 0
            port = free_port()
            with container.running("orchard", "serve", "--bind", f"0.0.0.0:{port}"):
                until_well(container)
                assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
            with container.running("orchard", "worker", "--every", "1"):
                until_well(container)
            assert "Nothing of Orchard runs" in container.run("orchard", "health", status=1)
        finally:
            buildah("rm", container.name)


def test_production_asks_for_a_database(tmp_path: Path) -> None:
    command = CommandLine("", tmp_path)
    production = {"ORCHARD_ENV": "production", "ORCHARD_BASE_URL": "https://friends.shop.example"}
    assert "ORCHARD_DATABASE_URL: required in production" in command("worker", status=1, **production)
