"""Reads all of a merchant's books in a process of its own, and prints how long it took and how much memory."""

import json
import os
import sys
import time
from uuid import UUID

from service import currencies
from service.database.engine import Database
from service.ledger import proof
from tests.bench.processors import peak_megabytes


def main(url: str, merchant_id: UUID, what: str) -> None:
    """Verify or export, and print what it cost."""
    with Database(url, patient=True).reading() as session:
        started = time.monotonic()
        if what == "verify":
            books = proof.Verification(session, merchant_id)
            assert list(books.problems()) == []
            postings = books.postings
        else:
            with open(os.devnull, "w") as output:
                for piece in proof.export_journal(session, merchant_id, "hledger", exponent=currencies.decimals):
                    output.write(piece)
            postings = proof.count_books(session, merchant_id).postings
        seconds = time.monotonic() - started
    megabytes = peak_megabytes(os.getpid())
    print(json.dumps({"postings": postings, "seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main(sys.argv[1], UUID(sys.argv[2]), sys.argv[3])
