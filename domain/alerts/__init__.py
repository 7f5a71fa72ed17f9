"""Alerts: detections and the incidents they make."""
