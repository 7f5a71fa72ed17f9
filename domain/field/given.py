"""An action as a phone hands it in: what makes it acceptable, what makes it the same one, and in which order a batch is taken."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.errors import Invalid
from domain.field.tables import ACTION_KINDS, PHOTO_ROLES

MAX_ACTIONS: Final = 200
MAX_TEXT: Final = 2000
MAX_PHOTOS: Final = 6
MAX_VERB: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAction:
    """Something done on the spot, perhaps days ago and without a connection.

    ``id`` is made by the phone. ``seen`` is the stage the case was in when the phone last read it; ``after`` the action on
    this case that the same phone did before and knows no answer of. ``occurred_at`` and ``phone_now`` are its clock.
    """

    id: UUID
    case_id: UUID
    kind: str
    occurred_at: datetime
    phone_now: datetime
    after: UUID | None = None
    seen: UUID | None = None
    verb: str | None = None
    reason: str | None = None
    matter_id: UUID | None = None
    amount: int | None = None
    unit: str | None = None
    text: str | None = None
    photo_claims: tuple[str, ...] = ()
    role: str | None = None
    position: tuple[float, float, str, float | None] | None = None

    def digest(self) -> bytes:
        """Hash what was done, so that one id cannot stand for two deeds; how it is sent may change from try to try."""
        content = (
            self.case_id, self.kind, self.occurred_at.isoformat(), self.verb, self.reason, self.matter_id, self.amount, self.unit,
            self.text, self.role, len(self.photo_claims), self.position,
        )  # fmt: skip
        return hashlib.sha256(repr(content).encode()).digest()


def check(given: FieldAction) -> None:
    """Raise Invalid, naming the field, for an action that means nothing whatever the case."""
    if given.kind not in ACTION_KINDS:
        raise Invalid(f"kind is one of {', '.join(ACTION_KINDS)}", "未知的操作类型", field="kind")
    for name, instant in (("occurredAt", given.occurred_at), ("phoneNow", given.phone_now)):
        if instant.tzinfo is None or not 1970 <= instant.year < 2100:
            raise Invalid(f"{name} needs a zone and a year from 1970 to 2099", "时间须带时区，年份须在 1970 至 2099 之间", field=name)
    for name, text in (("text", given.text), ("reason", given.reason)):
        if text is not None and (len(text) > MAX_TEXT or "\x00" in text):
            raise Invalid(f"{name} has at most {MAX_TEXT} characters", f"文字不得超过 {MAX_TEXT} 个字", field=name)
    if given.kind == "note" and not (given.text or "").strip():
        raise Invalid("a note needs a text", "请填写记录内容", field="text")
    if given.kind == "step" and not 0 < len(given.verb or "") <= MAX_VERB:
        raise Invalid("a step needs its verb", "请选择操作", field="verb")
    if given.kind == "photo":
        _check_photos(given)
    elif given.photo_claims:
        raise Invalid("photos come as actions of their own kind", "照片须单独提交", field="photoClaims")


def _check_photos(given: FieldAction) -> None:
    if given.role not in PHOTO_ROLES:
        raise Invalid("say whether the photos show before or after", "请注明处置前或处置后照片", field="role")
    if not 1 <= len(set(given.photo_claims)) == len(given.photo_claims) <= MAX_PHOTOS:
        raise Invalid(f"1 to {MAX_PHOTOS} different photos", f"请提交 1 至 {MAX_PHOTOS} 张不同的照片", field="photoClaims")


def in_order(items: Sequence[FieldAction]) -> list[int]:
    """Give the places of a batch in the order to take them: as sent, but none before the one it comes after."""
    places: dict[UUID, int] = {}
    for i, item in enumerate(items):
        places.setdefault(item.id, i)
    taken: dict[int, None] = {}
    for i in range(len(items)):
        chain, at = [i], items[i].after
        while at is not None and (earlier := places.get(at)) is not None and earlier not in taken and earlier not in chain:
            chain.append(earlier)
            at = items[earlier].after
        for place in reversed(chain):
            taken.setdefault(place)
    return list(taken)
