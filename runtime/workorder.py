"""A work order (工单) on paper: what, where, until when, the way there, and room for what was done. Blocking; fonts are embedded."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from domain.cases.lifecycle import BY_VERB, STATE_NAMES
from domain.flows.workorder import WorkOrder
from runtime.workorder_map import SiteMap
from runtime.workorder_text import LATIN, marked

ZONE: Final = ZoneInfo("Asia/Shanghai")
MARGIN: Final = 15 * mm
FRAME: Final = 6  # points the layout keeps inside its margins
WIDTH: Final = A4[0] - 2 * MARGIN
GREY: Final = colors.HexColor("#eef0f2")
SOURCES: Final = {
    "citizen": "市民上报", "qr": "扫码上报", "hotline": "12345 热线", "police110": "110 分流", "staff": "工作人员上报", None: "设备告警",
}  # fmt: skip
UNITS: Final = {"urgent_hour": "紧急工作时", "urgent_day": "自然日", "work_hour": "工作时", "work_day": "工作日"}
_BODY: Final = ParagraphStyle("body", fontName=LATIN, fontSize=9, leading=13, wordWrap="CJK")
_LABEL: Final = ParagraphStyle("label", parent=_BODY, fontSize=8, textColor=colors.HexColor("#4a5360"))
_TITLE: Final = ParagraphStyle("title", parent=_BODY, fontSize=17, leading=23, alignment=TA_CENTER)
_UNDER: Final = ParagraphStyle("under", parent=_LABEL, alignment=TA_CENTER)
_SMALL: Final = ParagraphStyle("small", parent=_BODY, fontSize=6.5, leading=9, textColor=colors.HexColor("#5b6472"))
_GRID: Final = [
    ("GRID", (0, 0), (-1, -1), 0.5, colors.HexColor("#8a93a0")), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("TOPPADDING", (0, 0), (-1, -1), 3), ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
]  # fmt: skip


def pdf(order: WorkOrder, *, link: str, city: str) -> bytes:
    """Draw a work order; ``link`` is what its square code opens, ``city`` stands in its title."""
    out = io.BytesIO()
    footer = f"打印 {_moment(order.printed_at)} · {order.printed_by} · 内部工作用图，不得公开 · Internal, not for publication"
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=MARGIN - FRAME, rightMargin=MARGIN - FRAME, topMargin=8 * mm, bottomMargin=14 * mm,
        title=f"工单 {order.case['number']}", author=city, subject=str(order.case["title"]),
    )  # fmt: skip

    def foot(canvas: Canvas, page: Any) -> None:
        note = Paragraph(marked(f"{footer} · {page.page}"), _SMALL)
        note.wrap(WIDTH, 10 * mm)
        note.drawOn(canvas, MARGIN, 8 * mm)

    document.build(_story(order, link, city), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _story(order: WorkOrder, link: str, city: str) -> list[Flowable]:
    case = order.case
    words = [("事项描述 Words", str(case["description"] or case["title"]))]
    if case["condition"]:
        words.append(("立案情形 Filed as", str(case["condition"])))
    source = "；".join(order.sources) or "本系统"
    credit = f"示意图，WGS 84，非测绘成果。数据来源：{source}"
    return [
        _head(order, link, city),
        Spacer(1, 1 * mm),
        _facts(order),
        _rows(words),
        Spacer(1, 3 * mm),
        KeepTogether([SiteMap(order, WIDTH), Paragraph(marked(credit), _SMALL)]),
        Spacer(1, 3 * mm),
        _steps(order),
        Spacer(1, 3 * mm),
        KeepTogether([_by_hand()]),
    ]


def _head(order: WorkOrder, link: str, city: str) -> Table:
    code = QrCodeWidget(link, barLevel="M")
    left, bottom, right, top = code.getBounds()
    side = 22 * mm
    square = Drawing(side, side, transform=[side / (right - left), 0, 0, side / (top - bottom), 0, 0])
    square.add(code)
    urgent = "　【督办】" if order.case["supervised_at"] else ""
    title = [Paragraph(marked(f"{city}案件处置工单{urgent}"), _TITLE), Paragraph(marked("Work order"), _UNDER)]
    return Table([[title, square]], colWidths=[WIDTH - side - 4, side + 4], style=TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))


def _facts(order: WorkOrder) -> Table:
    case = order.case
    due = case["handle_due_at"] or case["due_at"]
    limit = f"（{case['limit_amount']} {UNITS[case['limit_unit']]}）" if case["limit_amount"] else ""
    tail = "　已超时" if case["late_at"] or (due and due < order.printed_at) else "　（暂定）" if case["due_provisional"] else ""
    pairs = [
        ("案件编号 No.", case["number"]), ("状态 State", STATE_NAMES[case["state"]][0]),
        ("事项 Matter", " · ".join(part for part in (case["major_name"], case["title"]) if part)), ("来源 Source", _source(case)),
        ("承办单位 Unit", case["department"] or "待派遣"), ("处置时限 Due", f"{_moment(due)}{limit}{tail}" if due else "—"),
        ("立案 Opened", _moment(case["opened_at"])), ("发生 Occurred", _moment(case["occurred_at"])),
        ("网格 Grid", " ".join(part for part in (case["grid_code"], case["grid_name"]) if part) or "无网格"),
        ("坐标 WGS 84", f"{order.at.lon:.6f}, {order.at.lat:.6f}" + (f" ±{case['accuracy_m']:.0f} m" if case["accuracy_m"] else "")),
        ("区域 Area", case["areas"] or "—"), ("照片 Photos", f"{case['photo_count']}（扫码在系统内查看）" if case["photo_count"] else "无"),
    ]  # fmt: skip
    if order.contact is not None:
        name, phone = order.contact
        pairs += [("联系人 Contact", name or "未留"), ("电话 Phone", phone or "未留")]
    rows = [(*left, *right) for left, right in zip(pairs[::2], pairs[1::2], strict=True)]
    cells = [[Paragraph(marked(part), (_LABEL, _BODY)[i % 2]) for i, part in enumerate(row)] for row in rows]
    style = TableStyle([*_GRID, ("BACKGROUND", (0, 0), (0, -1), GREY), ("BACKGROUND", (2, 0), (2, -1), GREY)])
    return Table(cells, colWidths=[26 * mm, WIDTH / 2 - 26 * mm] * 2, style=style)


def _rows(rows: Sequence[tuple[str, str]]) -> Table:
    cells = [[Paragraph(marked(label), _LABEL), Paragraph(marked(text), _BODY)] for label, text in rows]
    style = TableStyle([*_GRID, ("BACKGROUND", (0, 0), (0, -1), GREY)])
    return Table(cells, colWidths=[26 * mm, WIDTH - 26 * mm], style=style, splitInRow=1)


def _steps(order: WorkOrder) -> Table:
    head = [Paragraph(marked(name), _LABEL) for name in ("时间 When", "步骤 Step", "单位 Unit", "说明 Reason")]
    rows = [(_moment(step["at"]), _verb(step["verb"]), step["department"] or "", step["reason"] or "") for step in order.steps]
    cells = [[Paragraph(marked(part), _BODY) for part in row] for row in rows]
    style = TableStyle([*_GRID, ("BACKGROUND", (0, 0), (-1, 0), GREY)])
    return Table([head, *cells], colWidths=[36 * mm, 24 * mm, 40 * mm, WIDTH - 100 * mm], style=style, repeatRows=1)


def _by_hand() -> Table:
    rows = [
        ("处置情况 What was done", 22 * mm), ("照片已上传 Photos sent", 8 * mm), ("处置人签字 Signed", 10 * mm),
        ("完成时间 Done at", 8 * mm),
    ]  # fmt: skip
    cells = [[Paragraph(marked(label), _LABEL), ""] for label, _ in rows]
    style = TableStyle([*_GRID, ("BACKGROUND", (0, 0), (0, -1), GREY)])
    return Table(cells, colWidths=[40 * mm, WIDTH - 40 * mm], rowHeights=[height for _, height in rows], style=style)


def _source(case: Any) -> str:
    more = f"，共 {case['report_count']} 件报告" if case["report_count"] > 1 else ""
    return f"{SOURCES.get(case['source'], case['source'])}{more}"


def _verb(verb: str) -> str:
    step = BY_VERB.get(verb)
    return step.zh if step else verb


def _moment(at: datetime | None) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M") if at else "—"
