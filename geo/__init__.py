"""Spatial maths: positions, datums, shapes, cells and the exact point index; knows no business word."""
