"""People: departments, users, roles, sign-in, and the scope that says what somebody may see."""
