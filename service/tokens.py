"""Signed tokens: bytes that only we can have written, as text for a URL, with a salt for each purpose.

Source: HMAC-SHA-256-128 (RFC 4868) by itsdangerous, a list of keys for rotation.
"""

import hashlib
from collections.abc import Sequence

from itsdangerous import BadData, HMACAlgorithm, Signer
from itsdangerous.encoding import base64_decode, base64_encode

LONGEST_TOKEN = 1000
SIGNATURE_BYTES = 16


class _Hmac128(HMACAlgorithm):
    """HMAC-SHA-256 truncated to its left half, as RFC 4868 names it: the URL stays short enough to type a QR of."""

    def __init__(self) -> None:
        super().__init__(hashlib.sha256)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """The left 16 bytes of the HMAC."""
        return super().get_signature(key, value)[:SIGNATURE_BYTES]


class TokenSigner:
    """Signs and reads tokens. keys: oldest first; the last one signs, all of them verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._signers: dict[str, Signer] = {}

    def write(self, purpose: str, payload: bytes) -> str:
        """The payload as a token: the same each time while the newest key stays. A token of one purpose is none of
        another.
        """
        return self._signer(purpose).sign(base64_encode(payload)).decode("ascii")

    def read(self, purpose: str, token: str, *, size: int | None = None) -> bytes | None:
        """The payload of a token that we wrote for this purpose, else None. size: how many bytes it must have.

        A token is malleable in the last characters of its parts; only the spelling that we write is read.
        """
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        try:
            payload = base64_decode(self._signer(purpose).unsign(token))
            signature = token.encode().rpartition(b".")[2]
            spelled_as_we_do = base64_encode(base64_decode(signature)) == signature
        except BadData:
            return None
        return payload if spelled_as_we_do and size in (None, len(payload)) else None

    def seal(self, position: str) -> str:
        """A reader's position in a list, as a cursor that only we can make."""
        return self.write("cursor", position.encode())

    def unseal(self, cursor: str) -> str | None:
        """The position of a cursor, or None if we did not make it."""
        payload = self.read("cursor", cursor)
        return None if payload is None else payload.decode()

    def _signer(self, purpose: str) -> Signer:
        signer = self._signers.get(purpose)
        if signer is None:
            salt = f"orchard.{purpose}".encode()
            signer = Signer(
                list(self._keys), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=_Hmac128()
            )
            self._signers[purpose] = signer
        return signer
