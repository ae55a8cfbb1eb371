"""A merchant, a program and a make-believe shop to try the service with; never in production."""
