"""The customer's page: their link, code and QR, what has grown from them, and what they have."""
