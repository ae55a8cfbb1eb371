"""The images of shared links: drawn once for each offer, and kept as files, as many as there is room for."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.links.drawing import Card

log = logging.getLogger("orchard.previews")
MOST_KEPT = 500


class Previews:
    """Images in this folder, shared by the workers of one machine. Where it cannot be written, each is drawn anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, card: "Card") -> bytes:
        """The image, as a PNG."""
        path = self._folder / f"{hashlib.sha256(repr(card).encode()).hexdigest()[:32]}.png"
        try:
            return path.read_bytes()
        except OSError:
            image = _drawn(card)
        try:
            self._keep(path, image)
        except OSError as error:
            log.warning("images of links are not kept: %s", error)
        return image

    def forget_all(self) -> None:
        """Let go of all of them: whose name stands in which, no file tells."""
        for one in self._folder.glob("*.png"):
            one.unlink(missing_ok=True)

    def _keep(self, path: Path, image: bytes) -> None:
        """Keep the image, whole or not at all, and let go of the oldest ones that there is no room for."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".new", delete=False) as file:
            new = Path(file.name)
            try:
                file.write(image)
                file.flush()
                os.replace(new, path)
            except OSError:
                new.unlink()
                raise
        kept = sorted(self._folder.glob("*.png"), key=_age)
        for one in kept[:-MOST_KEPT]:
            one.unlink(missing_ok=True)


def _drawn(card: "Card") -> bytes:
    from service.links.drawing import drawn  # what draws is large, and seldom needed

    return drawn(card)


def _age(path: Path) -> float:
    """When it was drawn; one that another worker let go of meanwhile is the oldest."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0
