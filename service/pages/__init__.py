"""HTML only: what people see."""
