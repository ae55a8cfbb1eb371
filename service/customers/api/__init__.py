"""/v1/customers and what belongs to them."""
