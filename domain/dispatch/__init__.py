"""Dispatch: who is on duty and able, what may be sent to grids, who looks at what, bulk jobs and the hand-over of shifts."""
