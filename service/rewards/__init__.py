"""What was earned: it ripens, is reviewed, spent, adjusted, and lapses."""
