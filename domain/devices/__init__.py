"""Devices: who may send detections."""
