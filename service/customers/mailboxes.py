"""PURE: when two e-mail addresses are one mailbox, as far as providers tell."""

_IGNORE_DOTS = frozenset({"gmail.com"})
_IGNORE_SEPARATORS = frozenset({"proton.me"})
_IGNORE_PLUS = frozenset({"gmail.com", "icloud.com", "fastmail.com", "proton.me", "msn.com"})
_IGNORE_PLUS_IN_EVERY_COUNTRY = frozenset({"outlook", "hotmail", "live"})
_SAME_PROVIDER = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "fastmail.fm": "fastmail.com",
    "pm.me": "proton.me",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
}
_SEPARATORS = dict.fromkeys(map(ord, "-_."))
_NOBODY = frozenset({"noreply", "donotreply", "nobody", "none", "unknown"})


def fold(email: str) -> str:
    """The address in the form in which two spellings of one mailbox are equal.

    Case is folded everywhere; dots, other separators and `+tags` are dropped where the provider ignores them.
    Source: the providers' own help pages on plus addressing.
    """
    local, _, domain = email.strip().casefold().rpartition("@")
    domain = _SAME_PROVIDER.get(domain, domain)
    if domain in _IGNORE_PLUS or _is_of_a_country(domain):
        local = local.partition("+")[0]
    if domain in _IGNORE_DOTS:
        local = local.replace(".", "")
    if domain in _IGNORE_SEPARATORS:
        local = local.translate(_SEPARATORS)
    return f"{local}@{domain}"


def is_nobodys(folded: str) -> bool:
    """Whether a folded address is one that tills and forms fill in where nobody gave one, such as noreply@."""
    local, _, _ = folded.partition("@")
    return local.translate(_SEPARATORS) in _NOBODY


def _is_of_a_country(domain: str) -> bool:
    """Whether it is outlook.com, hotmail.co.uk and the like, and not a host of somebody else's that begins so."""
    name, *country = domain.split(".")
    return name in _IGNORE_PLUS_IN_EVERY_COUNTRY and len(country) <= 2 and all(len(part) <= 3 for part in country)
