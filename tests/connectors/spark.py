"""The Spark convention between XML and JSON, as the spec states it: an element with one kind of child is an array of them."""

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

LISTS = {
    "services": "service", "attributes": "attribute", "values": "value", "service_requests": "request", "endpoints": "endpoint",
    "formats": "format", "service_request_updates": "request_update", "errors": "error",
}  # fmt: skip


def parsed(content: bytes) -> Element:
    return ElementTree.fromstring(content)  # noqa: S314  # our own answers, that a strict parser must take


def assert_same(element: Element, value: Any) -> None:
    """Hold an element against the JSON that stands for it."""
    if element.tag in LISTS:
        assert isinstance(value, list), element.tag
        assert [child.tag for child in element] == [LISTS[element.tag]] * len(value), element.tag
        for child, part in zip(element, value, strict=True):
            assert_same(child, part)
    elif isinstance(value, dict):
        assert [child.tag for child in element] == list(value), element.tag
        for child in element:
            assert_same(child, value[child.tag])
    else:
        text = {None: "", True: "true", False: "false"}.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)
        assert (element.text or "") == text, element.tag
