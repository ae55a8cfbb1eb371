"""What happened, one row each, written in the transaction that made it happen, and read in order."""
