"""PURE: when two e-mail addresses are one mailbox, as far as providers tell."""

_IGNORE_DOTS = frozenset({"gmail.com"})
_IGNORE_PLUS = frozenset({"gmail.com", "icloud.com", "me.com", "fastmail.com", "proton.me"})
_IGNORE_PLUS_IN_EVERY_COUNTRY = frozenset({"outlook", "hotmail", "live"})
_NOBODY = frozenset({"noreply", "donotreply", "nobody", "none", "unknown"})
_SEPARATORS = dict.fromkeys(map(ord, "-_."))
_SAME_PROVIDER = {"googlemail.com": "gmail.com", "pm.me": "proton.me", "protonmail.com": "proton.me"}


def fold(email: str) -> str:
    """The address in the form in which two spellings of one mailbox are equal.

    Case is folded everywhere; dots and `+tags` are dropped where the provider ignores them.
    Source: the providers' own help pages on plus addressing.
    """
    local, _, domain = email.strip().casefold().rpartition("@")
    domain = _SAME_PROVIDER.get(domain, domain)
    if domain in _IGNORE_PLUS or domain.partition(".")[0] in _IGNORE_PLUS_IN_EVERY_COUNTRY:
        local = local.partition("+")[0]
    if domain in _IGNORE_DOTS:
        local = local.replace(".", "")
    return f"{local}@{domain}"


def is_nobodys(folded: str) -> bool:
    """Whether a folded address is one that tills and forms fill in where nobody gave one, such as noreply@."""
    local, _, _ = folded.partition("@")
    return local.translate(_SEPARATORS) in _NOBODY
