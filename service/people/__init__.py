"""What becomes of people: two customers are one, somebody takes all along, somebody is forgotten."""
