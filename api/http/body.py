"""Reads request bodies that have a largest size and a longest time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from api.http.problems import TooLarge
from domain.errors import Invalid

PATIENCE_S: Final = 120
FRAME_BYTES: Final = 64 * 1024  # what multipart adds around a file


async def read(request: Request, *, most: int) -> bytes:
    """Read a whole body of at most ``most`` bytes; raises TooLarge, or Invalid when it does not arrive in time."""
    async with _in_time():
        return b"".join([chunk async for chunk in _bounded(request, most)])


async def read_file(request: Request, name: str, *, most: int) -> bytes:
    """Read the one file of a multipart form; raises TooLarge, or Invalid for another form or a slow sender."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Invalid(f"send multipart/form-data with one file named {name}", f"请以表单上传文件 {name}", field=name)
    async with _in_time():
        try:
            stream = _bounded(request, most + FRAME_BYTES)
            form = await MultiPartParser(request.headers, stream, max_files=1, max_fields=8, max_part_size=4096).parse()
        except (MultiPartException, KeyError, UnicodeDecodeError) as error:
            raise Invalid("the form is not valid multipart/form-data with one file", "上传表单格式不正确", field=name) from error
    file = form.get(name)
    if not isinstance(file, UploadFile):
        await form.close()
        raise Invalid(f"the form has no file named {name}", f"表单中缺少文件 {name}", field=name)
    with closing(file.file):
        data = await file.read(most + 1)
    if len(data) > most:
        raise _too_large(most)
    return data


async def read_form(
    request: Request, name: str, *, most: int, most_fields: int, longest_field: int = 16 * 1024
) -> tuple[list[tuple[str, str]], UploadFile | None]:
    """Read the text fields of a multipart form and its one file of this name, if it has one; bounded like ``read_file``."""
    async with _in_time():
        try:
            stream = _bounded(request, most + FRAME_BYTES + most_fields * longest_field)
            parser = MultiPartParser(request.headers, stream, max_files=1, max_fields=most_fields, max_part_size=longest_field)
            form = await parser.parse()
        except (MultiPartException, KeyError, UnicodeDecodeError) as error:
            raise Invalid(f"the form is not valid multipart/form-data: {error}", "上传表单格式不正确", field="body") from error
    fields = [(key, value) for key, value in form.multi_items() if isinstance(value, str)]
    file = form.get(name)
    if isinstance(file, UploadFile) and (file.size or 0) > most:
        await form.close()
        raise _too_large(most)
    return fields, file if isinstance(file, UploadFile) else None


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except TimeoutError as error:
        raise Invalid(f"the body did not arrive within {PATIENCE_S} s", "上传超时，请重试", field="body") from error
    except ClientDisconnect as error:
        raise Invalid("the sender went away", "连接已断开", field="body") from error


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > most:
        raise _too_large(most)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most:
            raise _too_large(most)
        yield chunk


def _too_large(most: int) -> TooLarge:
    size = f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} KB"
    return TooLarge(f"the body is longer than {size}", f"内容超过 {size}", field="body")
