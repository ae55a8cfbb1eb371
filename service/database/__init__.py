"""Engines, transactions, the root of the tables, lists."""
