"""What was earned and what became of it, as it is stored."""
