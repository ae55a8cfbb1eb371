"""Balances, statements, reports and proof, over HTTP."""
