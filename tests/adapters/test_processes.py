import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatbot_saas.adapters.processes import (
    MIB,
    JobCrashedError,
    JobFailedError,
    JobMemoryError,
    JobTimeoutError,
    PoolClosedError,
    WorkerPool,
    work_for,
)
from chatbot_saas.core.errors import NotFoundError
from tests.servers import is_alive

JOBS = "tests.adapters.jobs_for_processes"


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(size=2, idle_seconds=20)
    yield pool
    await pool.close()


def _gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)


def _written(path: Path) -> int:
    while not path.exists() or not path.read_text():
        time.sleep(0.01)
    return int(path.read_text())


async def gone(pid: int) -> bool:
    return await asyncio.to_thread(_gone, pid)


async def written(path: Path) -> int:
    return await asyncio.to_thread(_written, path)


async def test_result_and_reuse() -> None:
    pool = WorkerPool(size=1, idle_seconds=60)
    assert await pool.run(f"{JOBS}:add", 2, 3) == 5
    assert await pool.run(f"{JOBS}:pid") == await pool.run(f"{JOBS}:pid") != os.getpid()
    await pool.close()


async def test_jobs_run_side_by_side_but_not_more_than_size(pool: WorkerPool) -> None:
    pids = await asyncio.gather(*(pool.run(f"{JOBS}:wait", 0.1) for _ in range(5)))
    assert len(set(pids)) == 2


async def test_jobs_that_take_long_stand_in_nobodys_way() -> None:
    pool = WorkerPool(size=1, spare=1, slow_seconds=0.2)
    slow = asyncio.create_task(pool.run(f"{JOBS}:wait", 60))
    assert await pool.run(f"{JOBS}:add", 1, 2) == 3
    assert not slow.done()
    await pool.close()
    await asyncio.gather(slow, return_exceptions=True)


async def test_child_sees_no_secret_and_no_descriptor_of_ours(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for children")
    read, write = os.pipe()
    try:
        environment = await pool.run(f"{JOBS}:environment")
        descriptors = await pool.run(f"{JOBS}:descriptors")
    finally:
        os.close(read)
        os.close(write)
    assert "SECRET_KEY" not in environment
    assert set(environment) <= {
        "PATH",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "MALLOC_ARENA_MAX",
    }
    assert len(descriptors) <= 4  # three and the one that lists them


async def test_child_imports_little(pool: WorkerPool) -> None:
    modules = set(await pool.run(f"{JOBS}:modules"))
    assert not modules & {"reflex", "sqlalchemy", "pydantic", "chromadb", "openai", "asyncio", "pypdf", "numpy"}


async def test_time_limit_ends_a_busy_job_and_the_next_one_works(pool: WorkerPool) -> None:
    begin = time.monotonic()
    with pytest.raises(JobTimeoutError):
        await pool.run(f"{JOBS}:spin", timeout=0.5)
    assert time.monotonic() - begin < 3
    assert await pool.run(f"{JOBS}:add", 1, 1) == 2


async def test_memory_limit(pool: WorkerPool) -> None:
    assert await pool.run(f"{JOBS}:take_memory", 40 * MIB, memory=100 * MIB) == 40 * MIB
    with pytest.raises(JobMemoryError):
        await pool.run(f"{JOBS}:take_memory", 300 * MIB, memory=100 * MIB)
    assert await pool.run(f"{JOBS}:take_memory", 300 * MIB, memory=400 * MIB) == 300 * MIB


async def test_domain_errors_come_through_and_others_are_wrapped(pool: WorkerPool) -> None:
    with pytest.raises(NotFoundError) as caught:
        await pool.run(f"{JOBS}:missing")
    assert caught.value.message == "no such page"
    assert caught.value.details == {"page": 7}
    with pytest.raises(JobFailedError) as failed:
        await pool.run(f"{JOBS}:wrong")
    assert failed.value.reason == "RuntimeError: inside"
    with pytest.raises(JobFailedError):
        await pool.run(f"{JOBS}:no_such_function")


async def test_only_plain_results_are_accepted(pool: WorkerPool) -> None:
    with pytest.raises(JobFailedError) as failed:
        await pool.run(f"{JOBS}:not_plain")
    assert "uuid.UUID is not accepted" in failed.value.reason
    assert pickle.UnpicklingError.__name__ in failed.value.reason


@pytest.mark.kill
async def test_a_killed_process_is_replaced_once(pool: WorkerPool, tmp_path: Path) -> None:
    assert await pool.run(f"{JOBS}:die_once", str(tmp_path / "note")) == "alive"
    with pytest.raises(JobCrashedError):
        await pool.run(f"{JOBS}:die")
    assert await pool.run(f"{JOBS}:add", 1, 1) == 2


async def test_cancelling_the_caller_ends_the_process(pool: WorkerPool, tmp_path: Path) -> None:
    task = asyncio.create_task(pool.run(f"{JOBS}:note_and_wait", str(tmp_path / "note"), 60))
    pid = await written(tmp_path / "note")
    assert pid in pool.processes()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(pid)
    assert await pool.run(f"{JOBS}:add", 1, 1) == 2


async def test_owners_take_turns(tmp_path: Path) -> None:
    pool = WorkerPool(size=1)
    ended: list[str] = []

    async def job(owner: str, note: str = "") -> None:
        work_for(owner)
        if note:
            await pool.run(f"{JOBS}:note_and_wait", note, 0.5)
        else:
            await pool.run(f"{JOBS}:pid")
        ended.append(owner)

    first = asyncio.create_task(job("many", str(tmp_path / "note")))
    await written(tmp_path / "note")
    await asyncio.gather(first, *(job("many") for _ in range(4)), job("few"), job("few"), job("one"))
    await pool.close()
    assert ended == ["many", "many", "few", "one", "many", "few", "many", "many"]


async def test_a_cancelled_waiting_job_never_starts(tmp_path: Path) -> None:
    pool = WorkerPool(size=1)
    busy = asyncio.create_task(pool.run(f"{JOBS}:wait", 0.3))
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(pool.run(f"{JOBS}:note_and_wait", str(tmp_path / "note"), 0))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await busy
    assert await pool.run(f"{JOBS}:add", 1, 1) == 2
    assert not (tmp_path / "note").exists()
    await pool.close()


async def test_idle_and_used_up_processes_end() -> None:
    pool = WorkerPool(size=1, idle_seconds=0.3, jobs_per_process=2)
    first, second, third = [await pool.run(f"{JOBS}:pid") for _ in range(3)]
    assert first == second != third
    assert await gone(third)
    assert await pool.run(f"{JOBS}:add", 1, 1) == 2
    await pool.close()


async def test_close_ends_what_is_under_way(tmp_path: Path) -> None:
    pool = WorkerPool(size=1)
    running = asyncio.create_task(pool.run(f"{JOBS}:note_and_wait", str(tmp_path / "note"), 60))
    pid = await written(tmp_path / "note")
    waiting = asyncio.create_task(pool.run(f"{JOBS}:add", 1, 1))
    await asyncio.sleep(0.05)
    await pool.close()
    for task in (running, waiting):
        with pytest.raises(PoolClosedError):
            await task
    assert await gone(pid)
    with pytest.raises(PoolClosedError):
        await pool.run(f"{JOBS}:add", 1, 1)


async def test_the_event_loop_stays_free(pool: WorkerPool) -> None:
    task = asyncio.create_task(pool.run(f"{JOBS}:wait", 1.0))
    worst = 0.0
    while not task.done():
        begin = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, time.monotonic() - begin)
    assert worst < 0.2


@pytest.mark.kill
async def test_processes_die_with_their_parent(tmp_path: Path) -> None:
    note = tmp_path / "note"
    script = (
        "import asyncio\nfrom chatbot_saas.adapters.processes import WorkerPool\n"
        f"asyncio.run(WorkerPool().run('{JOBS}:note_and_wait', {str(note)!r}, 60))"
    )
    parent = await asyncio.to_thread(subprocess.Popen, [sys.executable, "-c", script])
    pid = await written(note)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert await gone(pid)
