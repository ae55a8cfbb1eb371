"""Computes rewards and keeps the books in double entry. Its doors: `rewards` (PURE), `books`, `proof`.

Imports the standard library and SQLAlchemy alone; whoever uses it comes in by a door.
"""
