"""Texts for and from reporters: what is acceptable, and how a template is filled."""

from __future__ import annotations

import re
from typing import Final

from domain.errors import Invalid
from domain.replies.tables import TEMPLATE_KINDS

MAX_TEXT: Final = 1000
MAX_PUBLIC: Final = 200
MAX_NAME: Final = 40
CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
NAMED: Final = ("number", "matter", "area", "department", "due")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
# A telephone or identity number, also with gaps; house numbers and dates are shorter.
_PERSONAL: Final = re.compile(r"\d(?:[\s-]?\d){6,}")


def checked(text: str, field: str, *, most: int = MAX_TEXT) -> str:
    """Give a text without the blanks around it; raises Invalid when it is empty or too long."""
    text = text.strip()
    if not text or len(text) > most or "\x00" in text:
        raise Invalid(f"write 1 to {most} characters", f"请填写 1 至 {most} 个字", field=field)
    return text


def checked_public(text: str) -> str:
    """Give a text that everybody may read; raises Invalid where a long number in it looks like somebody's."""
    text = checked(text, "publicText", most=MAX_PUBLIC)
    if _PERSONAL.search(text):
        raise Invalid(
            "a long number looks like a telephone or identity number; leave it out",
            "文字中疑似含有电话或证件号码，请删去",
            field="publicText",
        )
    return text


def check_template(code: str, kind: str, name: str, text_zh: str, text_en: str) -> None:
    """Raise Invalid, naming the field, for a template that could not be used."""
    if not CODE.fullmatch(code):
        raise Invalid("a code is a lower-case letter with letters, digits and _ after it", "编码须为小写字母、数字和下划线", field="code")
    if kind not in TEMPLATE_KINDS:
        raise Invalid(f"kind is one of {', '.join(TEMPLATE_KINDS)}", "模板类型不正确", field="kind")
    checked(name, "name", most=MAX_NAME)
    for field, text in (("textZh", text_zh), ("textEn", text_en)):
        checked(text, field)
        if unknown := [word for word in _BRACES.findall(text) if word not in NAMED]:
            raise Invalid(
                f"{{{unknown[0][:20]}}} is not known; use {', '.join(f'{{{word}}}' for word in NAMED)}", "模板中有未知的占位符", field=field
            )


def filled(column: str, values: dict[str, str]) -> str:
    """Write the SQL that fills a template's column with SQL values by placeholder."""
    for word in NAMED:
        column = f"replace({column}, '{{{word}}}', {values[word]})"
    return column
