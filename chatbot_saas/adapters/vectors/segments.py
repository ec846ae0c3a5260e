"""The files of Chroma's indexes, kept whole over `kill -9`: copies before each write, repair before Chroma opens them.

Chroma 1.5.9 writes an index's files in place. A process killed meanwhile leaves a cut map of ids, with which the index
refuses to open, or cut vectors, at which Chroma's next query ends the whole process with a segmentation fault. So:

- Before a write the index's folder is copied to `pending/`; after it the copy is removed. There is one writer, hence at
  most one copy.
- Before Chroma opens the folder, an index whose write did not end is replaced by its copy. Chroma then repeats the
  write from its queue, from which it removes nothing before the files are complete.
- All others are checked by the sizes of their files. One that is broken without a copy (a power cut) is sealed: its map
  of ids is emptied, so that reading and writing it raise an error until it is dropped and built again from the rows.
"""

import io
import json
import pickle
import shutil
import struct
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from chatbot_saas.core.errors import UnavailableError

COPY_LIMIT = 64_000_000  # bytes; about 40,000 vectors. Above it a copy costs more than a rare rebuild from the rows.
HEADER = struct.Struct("<i5Q")  # version, offset, capacity, elements, bytes per element, offset of the label
HEADER_BYTES = 100
MAP = "index_metadata.pickle"
HELPER = Path(__file__).with_name("sqlite_helper.py")
HELPER_TIMEOUT = 600.0


class Segments:
    """Chroma names the folder of an index by a "segment", known only to its SQLite file. Not for several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pending = root / "pending"
        self._by_collection: dict[str, str] = {}

    def repair(self) -> None:
        """Make every index whole or sealed. Only while Chroma is closed."""
        for copy in self._pending.glob("*"):
            folder = self._root / copy.name
            if folder.exists() and not _was_written(folder, copy):
                shutil.rmtree(folder)
                copy.rename(folder)
        shutil.rmtree(self._pending, ignore_errors=True)
        broken = [path for path in self._folders() if not is_whole(path)]
        written = self._load() if broken else {}
        for folder in broken:
            if written.get(folder.name, 0) == 0:
                shutil.rmtree(folder)  # its first write: Chroma makes the folder again from its queue
            else:
                (folder / MAP).write_bytes(b"")

    @contextmanager
    def kept(self, collection_id: UUID) -> Generator[None]:
        """Around a write to the collection. After an error the copy stays, for the repair at the next start."""
        folder = self._folder_of(str(collection_id))
        copy = self._copy(folder) if folder is not None else None
        yield
        if copy is not None:
            shutil.rmtree(copy)

    def remove_orphans(self) -> None:
        """Remove the folders that no collection names, which Chroma leaves behind.

        The folders are listed before the names are: one that is made in between is not in the list, and a collection
        has its name before it has a folder.
        """
        folders = self._folders()
        if not folders:
            return
        living = self._load()
        for folder in folders:
            if folder.name not in living:
                shutil.rmtree(folder, ignore_errors=True)  # what stays is taken by the next sweep

    def vacuum(self) -> None:
        if (self._root / "chroma.sqlite3").exists():
            self._helper("vacuum")

    def _copy(self, folder: Path) -> Path | None:
        copy = self._pending / folder.name
        if copy.exists():  # the write before this one failed, and the folder may be half of it
            return copy
        if sum(path.stat().st_size for path in folder.iterdir()) > COPY_LIMIT:
            return None
        draft = self._pending / f"{folder.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(folder, draft)
        draft.rename(copy)  # a copy with this name is complete
        return copy

    def _folder_of(self, collection_id: str) -> Path | None:
        if collection_id not in self._by_collection:
            self._load()
        segment = self._by_collection.get(collection_id)
        folder = self._root / segment if segment else None
        return folder if folder is not None and folder.exists() else None

    def _folders(self) -> list[Path]:
        return [path for path in self._root.iterdir() if path.is_dir() and _is_uuid(path.name)]

    def _load(self) -> dict[str, int]:
        """Segments with the number of the last write that is in their files; refreshes the folders of collections."""
        if not (self._root / "chroma.sqlite3").exists():
            return {}
        rows = cast(list[tuple[str, str, int]], json.loads(self._helper("segments")))
        self._by_collection = {collection: segment for segment, collection, _ in rows}
        return {segment: written for segment, _, written in rows}

    def _helper(self, command: str) -> str:
        """In a process of its own: closing the file here would drop the locks that Chroma's own SQLite holds on it."""
        arguments = [sys.executable, "-I", "-S", str(HELPER), command, str(self._root / "chroma.sqlite3")]
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=HELPER_TIMEOUT, check=True)  # noqa: S603  our own script
        except subprocess.SubprocessError as error:
            raise UnavailableError(f"The vector folder's {command} failed. The sweep tries it again.") from error
        return done.stdout


def is_whole(folder: Path) -> bool:
    """Whether the files of an index fit each other in size; those of less than 100 vectors are as long as for 100."""
    try:
        with (folder / "header.bin").open("rb") as file:
            _, _, _, elements, element_size, _ = HEADER.unpack(file.read(HEADER.size))
        places, rest = divmod((folder / "data_level0.bin").stat().st_size, element_size)
        return (
            (folder / "header.bin").stat().st_size == HEADER_BYTES
            and rest == 0
            and places >= elements
            and (folder / "length.bin").stat().st_size == places * 4
            and _links(folder / "link_lists.bin") == elements
            and (folder / MAP).stat().st_size > 0
        )
    except (OSError, struct.error, ZeroDivisionError):
        return False


def _was_written(folder: Path, copy: Path) -> bool:
    """Whether a write came to its end. The map of ids is written last: a new and readable one means that all is there.

    A write that does not change the map is undone; it put the same vectors under the same ids once more.
    """
    data = (folder / MAP).read_bytes() if (folder / MAP).exists() else b""
    if data == (copy / MAP).read_bytes():
        return False
    try:
        _PlainUnpickler(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, AttributeError):
        return False
    return is_whole(folder)


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, texts and dictionaries only, so that a file cannot run code."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place here")


def _links(path: Path) -> int:
    """Elements in the file of upper links, each a length of 4 bytes and as many bytes; -1 when it ends within one."""
    data = path.read_bytes()
    position = count = 0
    while position + 4 <= len(data):
        position += 4 + int.from_bytes(data[position : position + 4], "little")
        count += 1
    return count if position == len(data) else -1


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False
