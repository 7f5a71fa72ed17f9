"""Which matters a row speaks of: kind, major and minor, each empty for any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.errors import Invalid

KINDS: Final = ("component", "event", "alert")
MOST_SELECTORS: Final = 200
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Selector:
    """Matters by their catalogue codes; everything empty means every matter."""

    kind: str | None = None
    major: str | None = None
    minor: str | None = None

    def fits(self, matter: Selector) -> bool:
        """Tell whether a matter, named in full, is among those meant."""
        return self.kind in (None, matter.kind) and self.major in (None, matter.major) and self.minor in (None, matter.minor)


def check(selector: Selector) -> Selector:
    """Check a selector; raises Invalid for an unknown kind, a minor class without its major one, or a code that is too long."""
    if selector.kind is not None and selector.kind not in KINDS:
        raise Invalid(f"a kind is one of {', '.join(KINDS)}", "事项类别须为部件、事件或告警", field="kind")
    if (selector.major is not None and selector.kind is None) or (selector.minor is not None and selector.major is None):
        raise Invalid("name the wider class too: kind, then major, then minor", "请同时填写上级类别", field="major")
    if any(part is not None and not (0 < len(part) <= _LONGEST and "\0" not in part) for part in (selector.major, selector.minor)):
        raise Invalid(f"a code has 1 to {_LONGEST} characters", f"编码长度为 1 至 {_LONGEST} 个字符", field="major")
    return selector
