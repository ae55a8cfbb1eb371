"""Terms, and their versions."""
