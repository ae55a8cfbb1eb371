"""What a shop puts into its own pages: one line of script that carries a referral from the landing to the checkout."""
