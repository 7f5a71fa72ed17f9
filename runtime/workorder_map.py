"""The map on a work order, drawn from our own data as vectors: the land around, railway lines, the point, a scale bar and north."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely
from reportlab.lib import colors
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from domain.flows.workorder import Land, WorkOrder
from geo.metric import LocalMetric
from runtime.workorder_text import LATIN, runs

HEIGHT: Final = 78 * mm
EDGE: Final = {
    "town": (1.6, colors.HexColor("#5b6472")), "village": (0.9, colors.HexColor("#7d8794")), "grid": (0.5, colors.HexColor("#9aa3ae")),
}  # fmt: skip
HOME: Final = colors.HexColor("#fff3d6")
LAND: Final = colors.HexColor("#f6f7f5")
POINT: Final = colors.HexColor("#d4281c")
BARS_M: Final = (50, 100, 200, 500, 1000, 2000)


class SiteMap(Flowable):  # type: ignore[misc]  # reportlab is untyped
    """A map of the case's place, as wide as the sheet's text."""

    def __init__(self, order: WorkOrder, width: float) -> None:
        super().__init__()
        self.order, self.width, self.height = order, width, HEIGHT
        self.scale = width / (2 * order.around_m)  # points for a metre
        self._metric = LocalMetric(lon=order.at.lon, lat=order.at.lat)
        ((self._x, self._y),) = self._metric.points([order.at.lon], [order.at.lat])

    def wrap(self, *_: float) -> tuple[float, float]:
        """Tell the layout how large the map is."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw the map, clipped to its frame."""
        canvas: Canvas = self.canv
        canvas.saveState()
        frame = canvas.beginPath()
        frame.rect(0, 0, self.width, self.height)
        canvas.clipPath(frame, stroke=0)
        canvas.setFillColor(LAND)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        for land in self.order.lands:
            self._land(canvas, land)
        for line in self.order.lines:
            self._line(canvas, line.shape)
        for land in self.order.lands:
            if land.level == "grid" or land.home:
                self._name(canvas, land)
        self._point(canvas)
        self._bar(canvas)
        self._north(canvas)
        canvas.restoreState()
        canvas.setStrokeColor(colors.black)
        canvas.setLineWidth(0.8)
        canvas.rect(0, 0, self.width, self.height)

    def paths(self, shape: Any) -> Iterator[list[tuple[float, float]]]:
        """Give the rings or lines of a lon/lat shape in points on the sheet."""
        if shape.is_empty:
            return
        plane = self._metric.to_plane(shape)
        for part in shapely.get_parts(plane):
            rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
            for ring in rings:
                yield [self._at(x, y) for x, y in ring.coords]

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self.width / 2 + (x - self._x) * self.scale, self.height / 2 + (y - self._y) * self.scale

    def _land(self, canvas: Canvas, land: Land) -> None:
        path = canvas.beginPath()
        for ring in self.paths(land.shape):
            path.moveTo(*ring[0])
            for corner in ring[1:]:
                path.lineTo(*corner)
            path.close()
        width, color = EDGE[land.level]
        canvas.setLineWidth(width)
        canvas.setStrokeColor(color)
        canvas.setDash(*(((4, 2),) if land.level == "village" else ((),)))
        canvas.setFillColor(HOME)
        canvas.drawPath(path, stroke=1, fill=int(land.home), fillMode=0)
        canvas.setDash()

    def _line(self, canvas: Canvas, shape: Any) -> None:
        for width, color, dash in ((2.6, colors.black, ()), (1.6, colors.white, (5, 5))):
            canvas.setLineWidth(width)
            canvas.setStrokeColor(color)
            canvas.setDash(dash)
            for corners in self.paths(shape):
                path = canvas.beginPath()
                path.moveTo(*corners[0])
                for corner in corners[1:]:
                    path.lineTo(*corner)
                canvas.drawPath(path)
        canvas.setDash()

    def _name(self, canvas: Canvas, land: Land) -> None:
        inside = shapely.intersection(land.shape, shapely.box(*self._metric.lonlats(_corners(self)).ravel()))
        if inside.is_empty or inside.geom_type not in ("Polygon", "MultiPolygon"):
            return
        spot = shapely.point_on_surface(inside)
        ((x, y),) = self._metric.points([spot.x], [spot.y])
        across, up = self._at(x, y)
        if abs(across - self.width / 2) < 60 and abs(up - self.height / 2) < 10:
            up += 16  # the name makes room for the point
        canvas.setFillColor(colors.HexColor("#3d4650"))
        _write(canvas, land.name[:20], across, up, 7.5)

    def _point(self, canvas: Canvas) -> None:
        x, y = self._at(self._x, self._y)
        accuracy_m = self.order.case["accuracy_m"]
        if accuracy_m and accuracy_m * self.scale > 4:
            canvas.setStrokeColor(POINT)
            canvas.setLineWidth(0.6)
            canvas.setDash(2, 2)
            canvas.circle(x, y, accuracy_m * self.scale)
            canvas.setDash()
        canvas.setFillColor(POINT)
        canvas.setStrokeColor(colors.white)
        canvas.setLineWidth(1)
        canvas.circle(x, y, 4.2, stroke=1, fill=1)

    def _bar(self, canvas: Canvas) -> None:
        length_m = max((bar for bar in BARS_M if bar * self.scale < self.width / 3), default=BARS_M[0])
        canvas.setFillColor(colors.white)
        canvas.rect(6, 6, length_m * self.scale + 34, 17, stroke=0, fill=1)
        canvas.setStrokeColor(colors.black)
        canvas.setLineWidth(1.2)
        end = 11 + length_m * self.scale
        canvas.lines([(11, 11, end, 11), (11, 9, 11, 14), (end, 9, end, 14)])
        canvas.setFillColor(colors.black)
        canvas.setFont(LATIN, 7)
        canvas.drawString(14 + length_m * self.scale, 9, f"{length_m} m")

    def _north(self, canvas: Canvas) -> None:
        x, y = self.width - 16, self.height - 30
        arrow = canvas.beginPath()
        arrow.moveTo(x, y + 18)
        for corner in ((x + 5, y), (x, y + 5), (x - 5, y)):
            arrow.lineTo(*corner)
        arrow.close()
        canvas.setFillColor(colors.black)
        canvas.drawPath(arrow, stroke=0, fill=1)
        canvas.setFont(LATIN, 8)
        canvas.drawCentredString(x, y + 20, "N")


def _corners(site: SiteMap) -> Any:
    half_w, half_h = site.width / 2 / site.scale, site.height / 2 / site.scale
    return np.array([[site._x - half_w, site._y - half_h], [site._x + half_w, site._y + half_h]])


def _write(canvas: Canvas, text: str, x: float, y: float, size: float) -> None:
    """Write a text of both scripts centred on a spot."""
    parts = list(runs(text))
    width = sum(canvas.stringWidth(part, font, size) for font, part in parts)
    at = x - width / 2
    for font, part in parts:
        canvas.setFont(font, size)
        canvas.drawString(at, y, part)
        at += canvas.stringWidth(part, font, size)

