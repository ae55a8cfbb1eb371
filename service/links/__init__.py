"""Links, codes, tokens and visits, and the page that a friend comes to."""
