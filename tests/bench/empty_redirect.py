"""A server that only redirects: the baseline of the redirect of tracked links.

python -m tests.bench.empty_redirect PORT
"""

import asyncio
import sys

import uvloop
from fastapi import FastAPI

from shared.http.raw import Answer, RawRequest
from shared.http.server import serve

ANSWER = Answer(302, ((b"location", b"https://shop.example/"), (b"cache-control", b"no-store")))


def answer(request: RawRequest, /) -> Answer:
    """Answer every request with the same redirect."""
    return ANSWER


if __name__ == "__main__":
    uvloop.run(serve(FastAPI(), "127.0.0.1", int(sys.argv[1]), stop=asyncio.Event(), raw=answer))
