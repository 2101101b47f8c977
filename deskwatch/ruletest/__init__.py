"""`deskwatch rules test`: test files on a real database and a clock of their own."""
