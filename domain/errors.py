"""The closed set of errors the business may raise: every one has a stable code, a message in two languages and a place.

A door shows these to its caller as they are; anything else is a fault of ours and is masked there.
"""

from __future__ import annotations


class DomainError(Exception):
    """Something the caller can understand and mend; ``code`` is stable, ``field`` says where."""

    code = "error"

    def __init__(self, message_en: str, message_zh: str, *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh
        self.field = field
        if code is not None:
            self.code = code


class Invalid(DomainError):
    """The input itself is wrong."""

    code = "invalid"


class NotFound(DomainError):
    """The thing does not exist, or the caller may not know that it does."""

    code = "not_found"


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"


class Unauthenticated(DomainError):
    """Nobody is signed in, or the token is no longer good."""

    code = "unauthenticated"


class Conflict(DomainError):
    """The thing has moved on: another version, another state."""

    code = "conflict"


class TooMany(DomainError):
    """A limit was passed; the message names it."""

    code = "too_many"
