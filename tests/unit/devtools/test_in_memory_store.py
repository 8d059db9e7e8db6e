"""What the fake store does beyond the port: it lists its calls, fails those it is told to, and lets tests look."""

from collections.abc import Awaitable, Callable

import pytest

from devtools.fakes import in_memory_store
from devtools.fakes.in_memory_store import InMemoryStore, StoreCall
from shared.errors import StorageUnavailable

CALLS: dict[str, Callable[[InMemoryStore], Awaitable[object]]] = {
    "create_record": lambda store: store.create_record("a", {"new": True}),
    "read_record": lambda store: store.read_record("a"),
    "read_versioned": lambda store: store.read_versioned("a"),
    "replace_version": lambda store: store.replace_version("a", {"new": True}, None),
    "replace_record": lambda store: store.replace_record("a", {"new": True}),
    "list_names": lambda store: store.list_names("a", limit=1),
    "count_up": lambda store: store.count_up("a"),
    "delete_record": lambda store: store.delete_record("a"),
    "delete_video": lambda store: store.delete_video("a"),
    "find_video": lambda store: store.find_video("a"),
}
WRITES = ["create_record", "replace_version", "replace_record", "count_up"]
DELETES = ["delete_record", "delete_video"]


@pytest.mark.parametrize("method", CALLS)
async def test_a_call_is_listed_whether_it_fails_or_not(method: str) -> None:
    """With the method's name and the blob's, for a list the prefix."""
    store = InMemoryStore()
    store.fail_call(2)
    await CALLS[method](store)

    with pytest.raises(StorageUnavailable):
        await CALLS[method](store)

    assert store.calls == [StoreCall(method, "a")] * 2


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
async def test_a_write_fails_before_its_effect_or_after_it(method: str, *, after_effect: bool) -> None:
    """An answer that is lost is not the same as a request that is."""
    store = InMemoryStore()
    store.fail_call(after_effect=after_effect)

    with pytest.raises(StorageUnavailable):
        await CALLS[method](store)

    assert store.names() == (["a"] if after_effect else [])


@pytest.mark.parametrize("method", DELETES)
@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
async def test_a_deletion_fails_before_its_effect_or_after_it(method: str, *, after_effect: bool) -> None:
    """Likewise."""
    store = InMemoryStore()
    await store.create_record("a", {})
    store.fail_call(after_effect=after_effect)

    with pytest.raises(StorageUnavailable):
        await CALLS[method](store)

    assert store.names() == ([] if after_effect else ["a"])


async def test_looking_at_a_record_is_no_call() -> None:
    """A test may look without shifting the calls that it counts; what it is given is its own."""
    store = InMemoryStore()
    await store.create_record("a", {"list": []})

    looked = store.record("a")
    assert looked == {"list": []}
    looked["more"] = True

    assert store.record("a") == {"list": []}
    assert store.record("b") is None
    assert store.calls == [StoreCall("create_record", "a")]


async def test_a_tally_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One number stands for all beyond it."""
    monkeypatch.setattr(in_memory_store, "TALLY_LIMIT", 2)
    store = InMemoryStore()

    assert [await store.count_up("a") for _ in range(4)] == [1, 2, 3, 3]
