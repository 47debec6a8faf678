"""A text gateway that takes everything, once per key, and writes each key it took into its log.

python -m bench.stub_gateway PORT LOG
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import parse_qs, urlsplit

KNOWN: set[str] = set()
LOCK = threading.Lock()
LOG: IO[str]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes; the second must not wait for a receipt

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        with LOCK:
            if key not in KNOWN:
                KNOWN.add(key)
                LOG.write(f"{key}\n")
        self._answer(201, {"id": key[:60]})

    def do_GET(self) -> None:
        key = parse_qs(urlsplit(self.path).query).get("key", [""])[0]
        known = key in KNOWN
        self._answer(200 if known else 404, {"id": key[:60]} if known else {"status": "unknown"})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        pass


if __name__ == "__main__":
    with open(sys.argv[2], "a", buffering=1, encoding="utf-8") as LOG:
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
