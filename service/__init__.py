"""Orchard: signed referral links, conversions between friends, and rewards kept in double-entry books."""

__version__ = "0.1.0"
