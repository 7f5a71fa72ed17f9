"""Sealed addresses: opened by this installation and in their own row only."""

import pytest

from domain.deliveries import retries, sealing
from domain.deliveries.channels import check_address, hint_of
from domain.errors import Invalid

SECRET = b"s" * 32


def test_what_was_sealed_is_opened_by_the_same_installation_for_the_same_row_only() -> None:
    sealed = sealing.seal(SECRET, "row 1", {"phone": "13812345678"})
    assert b"138" not in sealed
    assert sealing.unseal(SECRET, "row 1", sealed) == {"phone": "13812345678"}
    assert sealing.seal(SECRET, "row 1", {"phone": "13812345678"}) != sealed, "the same number does not look the same twice"
    foreign, moved = (b"t" * 32, "row 1", sealed), (SECRET, "row 2", sealed)
    cut, empty = (SECRET, "row 1", sealed[:-1]), (SECRET, "row 1", b"")
    for secret, name, value in (foreign, moved, cut, empty):
        with pytest.raises(Invalid):
            sealing.unseal(secret, name, value)


def test_an_address_is_recognised_by_a_digest_nobody_can_guess_without_the_secret() -> None:
    assert sealing.digest(SECRET, "sms", "13812345678") == sealing.digest(SECRET, "sms", "13812345678")
    assert sealing.digest(SECRET, "sms", "13812345678") != sealing.digest(b"t" * 32, "sms", "13812345678")


def test_a_hint_gives_no_address_away() -> None:
    for kind, given, hint in (
        ("sms", {"phone": "13812345678"}, "…5678"),
        ("email", {"email": "zhang@example.org"}, "z…@example.org"),
        ("wecom", {"url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc"}, "qyapi.weixin.qq.com"),
    ):
        assert hint_of(check_address(kind, given)) == hint


def test_pauses_grow_and_are_spread_by_a_fifth_and_what_a_receiver_asks_for_is_bounded() -> None:
    middle = [retries.pause(left, 0.5) for left in range(len(retries.AFTER), 0, -1)]
    assert middle == list(retries.AFTER)
    assert retries.pause(6, 0.0) == retries.AFTER[0] * 0.8
    assert retries.limited_rest("webhook", 1e9) == retries.LONGEST_ASKED
    assert retries.rest(99) == retries.REST[-1]
