"""How a shop's pages look: its name, its logo, its colour, the addresses that it must name, and words of its own."""
