"""Where things are kept: one file a noun, each with its mapped class and its queries. Never commits."""
