"""Run as a script, in a process of its own: looks into Chroma's SQLite file, or shrinks it. Standard library only.

Python's SQLite must not open this file inside the process in which Chroma has it open: the kernel's file locks belong
to the process, and closing one of two copies drops the other's (https://sqlite.org/howtocorrupt.html, 2.2.1).
"""

import json
import sqlite3
import sys
from contextlib import closing

BUSY_SECONDS = 60.0
SEGMENTS = """
    SELECT segments.id, segments.collection, coalesce(max_seq_id.seq_id, 0)
    FROM segments LEFT JOIN max_seq_id ON max_seq_id.segment_id = segments.id
    WHERE segments.scope = 'VECTOR'
"""


def main(command: str, path: str) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=BUSY_SECONDS)) as database:
        if command == "segments":
            sys.stdout.write(json.dumps(database.execute(SEGMENTS).fetchall()))
        elif command == "vacuum":
            database.execute("VACUUM")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
