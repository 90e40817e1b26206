"""The token that every unsafe request must carry, so that no other site can make a reader's browser act.

It is made from the secret cookie and can be made by nobody else; no table holds it. A salt makes it differ on every
page, so that compressing a page tells nothing about it (BREACH).
"""

import hashlib
import hmac
import secrets
from typing import Final

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER: Final = "x-csrf-token"
FIELD: Final = "csrf_token"


def make_token(secret: str) -> str:
    """A new token for the holder of the cookie `secret`."""
    salt = secrets.token_hex(8)
    return f"{salt}.{_digest(secret, salt)}"


def is_valid_token(token: str, secret: str) -> bool:
    """Whether `token` was made from the cookie `secret`."""
    salt, _, digest = token.partition(".")
    return bool(secret) and hmac.compare_digest(digest.encode(), _digest(secret, salt).encode())


def _digest(secret: str, salt: str) -> str:
    return hmac.new(secret.encode(), f"netty-csrf:{salt}".encode(), hashlib.sha256).hexdigest()


def comes_from_elsewhere(origin: str | None, fetch_site: str | None, host: str) -> bool:
    """Whether the browser itself says that another site made it ask.

    ``Origin: null`` says nothing here: our own forms send it, because our pages ask for no referrer.
    """
    if fetch_site not in (None, "same-origin", "none"):
        return True
    return origin not in (None, "null") and origin.partition("://")[2].lower() != host.lower()
