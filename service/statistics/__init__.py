"""Marketing's numbers: rolled up from what happened, never stale, equal to the books."""
