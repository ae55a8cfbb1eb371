"""PURE: which sites may show a customer's page in themselves: those of its program, and nobody else."""

from collections.abc import Mapping, Sequence

from service.programs.sites import origin_of


def policy(ancestors: Sequence[str]) -> str:
    """The Content-Security-Policy of a page that these may show in a frame."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors 'self' {' '.join(ancestors)}"
    )


def is_elsewhere(headers: Mapping[str, str], known: Sequence[str], ours: str) -> bool:
    """Whether the page is asked for by a frame in a site that is none of these, as the browser tells.

    One that does not tell is held to the page's policy, which shows nothing at all there.
    """
    if headers.get("Sec-Fetch-Dest") not in ("iframe", "frame", "embed", "object"):
        return False
    referrer = headers.get("Referer")
    if not referrer:
        return False
    try:
        return origin_of(referrer) not in (*known, origin_of(ours))
    except ValueError:  # no address at all
        return True


def may_read(origin: str, known: Sequence[str]) -> bool:
    """Whether a script of this origin may read the page, to show it as a part of its own."""
    return origin in known
