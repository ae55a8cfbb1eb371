"""The limit for following a link: a bare Flask view that only redirects."""

from flask import Flask, redirect
from werkzeug.wrappers import Response

app = Flask(__name__)


@app.get("/r/<token>")
def follow(token: str) -> Response:
    return redirect("https://shop.example/")
