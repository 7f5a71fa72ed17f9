"""What a person at the keyboard is told when the product cannot start."""


class SetupTrouble(Exception):
    """Something outside the product stops it: one line saying what, and one saying what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}")
