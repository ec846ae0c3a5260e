"""Does a server run on this data folder? The number in `postmaster.pid` alone says nothing: it can be years old."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def running_postmaster(data: Path) -> int | None:
    """Pid of the server that runs on `data` (an absolute path without symlinks), or None.

    A number counts only if that process is alive, is no zombie, is called postgres and was started with our folder.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, NotADirectoryError, ValueError):  # absent, or being written at this moment
        return None
    return pid if pid > 0 and _is_server(_arguments(pid), data) else None


def _is_server(arguments: list[str], data: Path) -> bool:
    return bool(arguments) and Path(arguments[0]).name == "postgres" and str(data) in arguments


def _arguments(pid: int) -> list[str]:
    """Command line of a process; empty if there is no such process or if it is a zombie."""
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid), "cmdline").read_bytes().decode(errors="surrogateescape").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []
    # macOS has no /proc. ps joins the arguments with spaces; the server's line is `.../postgres -D <folder> -c ...`.
    shown = subprocess.run(  # noqa: S603 - a fixed program and an integer
        ["/bin/ps", "-ww", "-o", "stat=", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    state, _, command = shown.partition(" ")
    program, _, rest = command.strip().partition(" -D ")
    folder, _, _ = rest.partition(" -c ")
    return [] if state.startswith("Z") else [program, folder.strip()]
