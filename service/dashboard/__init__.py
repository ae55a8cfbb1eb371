"""The merchant's own pages: numbers, orders and programs, for people."""
