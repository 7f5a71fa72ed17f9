"""E-mail through one's own relay, by SMTP; the delivery's id is the Message-ID, by which a repeat is known."""

from __future__ import annotations

import asyncio
import socket
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

import aiosmtplib

from domain.deliveries.letters import Letter
from domain.deliveries.sending import Outcome
from runtime.adapters.guard import Refused
from runtime.adapters.http import Outgoing

# 421 service not available, 450-452 try later, 4xx in general: passing.
_PASSING: Final = range(400, 500)


async def send(out: Outgoing, letter: Letter) -> Outcome:
    """Send a letter as an e-mail."""
    if not letter.gateway:
        return Outcome("refused", "no mail relay is set up")
    try:
        async with asyncio.timeout(out.within_s):
            return await _hand_over(out, letter)
    except Refused as error:
        return Outcome("refused", str(error))
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [refused.code for refused in error.recipients]
        return Outcome("later" if all(code in _PASSING for code in codes) else "refused", f"SMTP {codes[0] if codes else ''}")
    except aiosmtplib.SMTPResponseException as error:
        return Outcome("later" if error.code in _PASSING else "refused", f"SMTP {error.code}")
    except TimeoutError:
        return Outcome("later", f"no answer within {out.within_s:g} s")
    except (aiosmtplib.SMTPException, OSError) as error:
        return Outcome("later", f"the mail relay cannot be used: {type(error).__name__}")


async def _hand_over(out: Outgoing, letter: Letter) -> Outcome:
    relay = letter.gateway
    host, port, security = relay["host"], int(relay["port"]), relay.get("security", "starttls")
    address = await out.guard.vetted(host, port, plain=security == "none")
    client = aiosmtplib.SMTP(
        hostname=host, sock=await _connected(address, port), tls_context=out.tls, use_tls=security == "tls",
        start_tls=security == "starttls", username=relay.get("user"), password=relay.get("password"), timeout=out.within_s,
        local_hostname="gridwarden.invalid",
    )  # fmt: skip
    try:
        async with client:
            _, said = await client.send_message(message(letter))
    finally:
        client.close()
    return Outcome("accepted", str(said)[:100])


def message(letter: Letter) -> EmailMessage:
    """Write a letter as an e-mail."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = letter.gateway["sender"], letter.address["email"]
    mail["Subject"] = " ".join(f"{letter.title} {letter.facts.get('number') or ''}".split())
    mail["Message-ID"] = f"<{letter.id}@gridwarden>"
    mail["Date"] = letter.created_at
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{letter.text}\n\n{letter.link or ''}\n")
    return mail


async def _connected(address: str, port: int) -> socket.socket:
    link = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    link.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(link, (address, port))
    except BaseException:
        link.close()
        raise
    return link
