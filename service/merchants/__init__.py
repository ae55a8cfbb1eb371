"""Tenants, their keys and scopes."""
