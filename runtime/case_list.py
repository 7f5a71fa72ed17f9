"""A list of cases written to a file, read and written some rows at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import IO, Final

from domain.base import Conn
from domain.cases.lifecycle import STATE_NAMES
from domain.connectors import case_list
from domain.errors import TooMany
from runtime.sheets import CsvFile, XlsxFile

FORMATS: Final = tuple(case_list.MAX_ROWS)


async def write(
    conn: Conn, file: IO[bytes], format_: str, where: Sequence[str], values: dict[str, object], *, bom: bool = True, language: str = "zh"
) -> int:
    """Write the cases of these conditions and give how many; raises TooMany when there are more than the format takes."""
    header, most = case_list.header(language), case_list.MAX_ROWS[format_]
    out = XlsxFile(file, header) if format_ == "xlsx" else CsvFile(file, header, bom=bom)
    count = 0
    async for rows in case_list.chunks(conn, where, values, limit=most + 1, language=language, states=STATE_NAMES):
        count += len(rows)
        if count > most:
            message = f"these are more than {most} cases, the most a {format_} file takes; narrow the filter"
            raise TooMany(message, f"超过 {most} 件，请缩小筛选范围", field="filter")
        await asyncio.to_thread(out.add, rows)
    await asyncio.to_thread(out.close)
    return count
