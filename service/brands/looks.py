"""PURE: what a brand says, of a shop and of one of its programs, and what of it a reader is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict
from uuid import UUID

LONGEST_WELCOME, LONGEST_BUTTON = 300, 40


class Words(TypedDict, total=False):
    """A shop's own words in one language: a sentence under the offer, and what stands on the button."""

    welcome: str
    button: str


class Said(TypedDict, total=False):
    """What is said of a brand: a field that is missing is not said."""

    name: str | None
    accent: str | None
    imprint_url: str | None
    privacy_url: str | None
    terms_url: str | None
    texts: dict[str, Words]


@dataclass(frozen=True, slots=True)
class Look:
    """How a page looks. logo: the path of its image, None for none. texts: language -> words."""

    name: str
    accent: str | None = None
    logo: str | None = None
    imprint_url: str | None = None
    privacy_url: str | None = None
    terms_url: str | None = None
    texts: Mapping[str, Words] = field(default_factory=dict)

    def words(self, language: str) -> Words:
        """The shop's own words for a reader of this language: never those of another one."""
        return self.texts.get(language, {})


def look_of(merchant_name: str, *said: Mapping[str, Any] | None, logo: str | None = None) -> Look:
    """The look of what was said, a program's after its shop's: each field as it was said last."""
    together: dict[str, Any] = {}
    texts: dict[str, Words] = {}
    for one in said:
        together |= {name: value for name, value in (one or {}).items() if value is not None}
        for language, words in ((one or {}).get("texts") or {}).items():
            texts[language] = {**texts.get(language, {}), **words}
    own = {name: together.get(name) for name in ("accent", "imprint_url", "privacy_url", "terms_url")}
    return Look(together.get("name") or merchant_name, logo=logo, texts=texts, **own)


def logo_path(merchant_id: UUID, digest: str | None) -> str | None:
    """Where a logo is: an address that never shows another image."""
    return digest and f"/logos/{merchant_id}/{digest}"
