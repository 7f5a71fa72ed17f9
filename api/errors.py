"""What a caller is told when something goes wrong: the closed set of errors as it is, everything else masked.

A fault of ours is logged with an id and only the id is given out, so that neither a statement nor a path ever leaves.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg
from graphql import GraphQLError
from psycopg_pool import PoolTimeout

from domain.errors import DomainError, Invalid
from geo.lonlat import GeoError

log = logging.getLogger("gridwarden.api")

STATEMENT_TIMEOUT_S: Final = 10
STATUS: Final[Mapping[str, int]] = {"unauthenticated": 401, "too_many": 429, "unavailable": 503}


def refusal(code: str, message_en: str, message_zh: str, field: str | None = None) -> GraphQLError:
    """Make an error for the caller."""
    return GraphQLError(message_en, extensions=_extensions(code, message_zh, field))


def bad_request(message_en: str) -> Invalid:
    """Make the error of a request that is no GraphQL request."""
    return Invalid(message_en, "请求格式不正确")


def tell(error: GraphQLError) -> None:
    """Give an error its stable form in place: code, both languages and the field; mask what is none of the caller's business."""
    cause = error.original_error
    if isinstance(cause, DomainError):
        error.message, error.extensions = cause.message_en, _extensions(cause.code, cause.message_zh, cause.field)
    elif isinstance(cause, GeoError):
        error.message, error.extensions = cause.message_en, _extensions(cause.code, cause.message_zh, cause.where or None)
    elif error.extensions and "code" in error.extensions:
        return
    elif isinstance(cause, psycopg.errors.QueryCanceled):
        error.message = f"the database did not answer within {STATEMENT_TIMEOUT_S} s; ask for less"
        error.extensions = _extensions("too_many", f"查询超过 {STATEMENT_TIMEOUT_S} 秒，请缩小范围")
    elif isinstance(cause, psycopg.OperationalError | PoolTimeout):
        log.warning("database away: %s", type(cause).__name__)
        error.message, error.extensions = "the database is busy or away; try again", _extensions("unavailable", "数据库繁忙，请稍后再试")
    elif error.path is None and not _is_fault(cause):
        error.extensions = _extensions("invalid", "请求不符合接口定义")
    else:
        _mask(error, cause)


def status_of(errors: Iterable[Any]) -> int:
    """Give the HTTP status of a response with these formatted errors; most errors are part of a good answer."""
    codes = {error.get("extensions", {}).get("code") for error in errors}
    return next((status for code, status in STATUS.items() if code in codes), 200)


def _is_fault(cause: BaseException | None) -> bool:
    return cause is not None and not isinstance(cause, GraphQLError | ValueError | TypeError)


def _mask(error: GraphQLError, cause: BaseException | None) -> None:
    name = secrets.token_hex(6)
    log.error("fault %s at %s", name, error.path, exc_info=cause or error)
    error.message = f"something went wrong on our side; its number is {name}"
    error.extensions = _extensions("internal", f"系统内部错误，编号 {name}")


def _extensions(code: str, message_zh: str, field: str | None = None) -> dict[str, Any]:
    return {"code": code, "messageZh": message_zh, "field": field}
