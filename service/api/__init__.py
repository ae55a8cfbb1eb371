"""HTTP only: parse, call one use case, render. One resource a file, its schemas above its routes."""
