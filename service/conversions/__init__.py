"""Orders and refunds: which referral earns the credit, and every rule that can say no."""
