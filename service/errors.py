"""What the use cases refuse, whatever they are about. Each error carries the facts; none has changed anything."""

from collections.abc import Mapping


class ReferralError(Exception):
    """Root of everything that the use cases raise."""


class Unknown(ReferralError):
    """The merchant has no such thing, or it is another merchant's, which is the same."""

    def __init__(self, noun: str, name: object) -> None:
        super().__init__(f"There is no {noun} {name}.")
        self.noun = noun
        self.name = name


class BadValues(ReferralError):
    """Values that are well-formed each, and cannot be together or in this place. faults: field -> message."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults.items()))
        self.faults = dict(faults)


class TryLater(ReferralError):
    """So much is to be done first that one request does not wait for all of it. What was done until now is done."""


def refuse_faults(faults: Mapping[str, str | None]) -> None:
    """Raise BadValues if any of these fields has a fault."""
    wrong = {field: message for field, message in faults.items() if message}
    if wrong:
        raise BadValues(wrong)
