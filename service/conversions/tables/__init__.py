"""Orders, referrals and refunds, as they are stored."""
