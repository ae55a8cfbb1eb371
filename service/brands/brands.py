"""What a merchant says of a brand: read, changed, with its logo."""

from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service.brands import tables as storage
from service.brands.colours import fault_of_accent
from service.brands.looks import LONGEST_BUTTON, LONGEST_WELCOME, Said, Words
from service.brands.tables import Brand, Logo
from service.database.writing import write_now
from service.errors import BadValues, refuse_faults
from service.languages import KNOWN
from service.merchants.tables import Merchant
from service.programs import programs
from service.values import fault_of_shown

if TYPE_CHECKING:
    from service.brands.logos import SafeLogo

LONGEST_BRAND_NAME = 120
ADDRESSES = ("imprint_url", "privacy_url", "terms_url")


class BrandFields(Said, total=False):
    """What is to be changed: a field that is missing is not said, null clears. logo: base64."""

    logo: str | None


def get(session: Session, merchant_id: UUID, program_id: UUID | None) -> Brand | None:
    """What is said of the merchant's brand, or of one program's, if anything. Raises Unknown for the program."""
    if program_id is not None:
        programs.get(session, merchant_id, program_id)
    return storage.get(session, merchant_id, program_id or merchant_id)


def change(
    session: Session, merchant_id: UUID, program_id: UUID | None, fields: BrandFields, *, now: datetime
) -> Brand:
    """Change what is said of the merchant's brand, or of one program's. Texts are replaced language by language.

    Raises Unknown for the program, and BadValues, changing nothing, for what cannot be shown.
    """
    if program_id is not None:
        programs.get(session, merchant_id, program_id, lock=True)
    logo = _safe_logo(fields.get("logo"))
    refuse_faults(_faults(fields))
    session.get_one(Merchant, merchant_id, with_for_update=True)  # two changes must not let go of each other's logos
    brand = storage.get(session, merchant_id, program_id or merchant_id, lock=True)
    if brand is None:
        brand = Brand(
            merchant_id=merchant_id, of_id=program_id or merchant_id, said={}, logo_digest=None, changed_at=now
        )
        write_now(session, brand)
    said = {name: value for name, value in fields.items() if name not in ("logo", "texts")}
    texts = {**brand.said.get("texts", {}), **fields.get("texts", {})}
    brand.said = {**brand.said, **said, "texts": {language: words for language, words in texts.items() if words}}
    brand.changed_at = now
    if "logo" in fields:
        _give_logo(session, brand, logo)
    return brand


def _give_logo(session: Session, brand: Brand, logo: "SafeLogo | None") -> None:
    if logo is not None and storage.logo(session, brand.merchant_id, logo.digest) is None:
        write_now(session, Logo(merchant_id=brand.merchant_id, digest=logo.digest, content=logo.content))
    brand.logo_digest = None if logo is None else logo.digest
    write_now(session)
    in_use = storage.used(session, brand.merchant_id)
    session.execute(delete(Logo).where(Logo.merchant_id == brand.merchant_id, Logo.digest.not_in(in_use)))


def _safe_logo(encoded: str | None) -> "SafeLogo | None":
    from service.brands.logos import BadLogo, safe  # what draws is large, and seldom needed

    try:
        return None if encoded is None else safe(encoded)
    except BadLogo as error:
        raise BadValues({"logo": str(error)}) from error


def _faults(fields: BrandFields) -> dict[str, str | None]:
    faults: dict[str, str | None] = {}
    if fields.get("name") is not None:
        faults["name"] = fault_of_shown(cast(str, fields["name"]), most=LONGEST_BRAND_NAME)
    if fields.get("accent") is not None:
        faults["accent"] = fault_of_accent(cast(str, fields["accent"]))
    for name in ADDRESSES:
        address = cast(str | None, fields.get(name))
        faults[name] = None if address is None else programs.fault_of_destination(address)
    for language, words in fields.get("texts", {}).items():
        faults |= _faults_of_words(language, words)
    return faults


def _faults_of_words(language: str, words: Words) -> dict[str, str | None]:
    if language not in KNOWN:
        return {f"texts.{language}": f"It is none of {', '.join(KNOWN)}."}
    most, place = {"welcome": LONGEST_WELCOME, "button": LONGEST_BUTTON}, f"texts.{language}"
    return {f"{place}.{name}": fault_of_shown(cast(str, text), most=most[name]) for name, text in words.items()}
