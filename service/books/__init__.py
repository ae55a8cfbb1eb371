"""What the books say of the business, and whether both agree: balances, statements, reports, the audit."""
