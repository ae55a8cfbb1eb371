"""Every change of the schema, in order, for our tables and the ledger's."""
