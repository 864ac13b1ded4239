"""Objects in a bucket or container, by obstore: Amazon S3, Azure Blob Storage, Google Cloud Storage.

obstore's blocking calls are made, in threads of ours. Its asynchronous ones end in threads of its own that
ask for the interpreter, and abort a process that ends at that moment. Its retries are off, and its clients
read credentials, region and endpoint from the environment of the process.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

import obstore
from msgspec import Struct
from obstore import store as stores
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError

from reconciler.errors import StateError
from reconciler.state.stores.primitives import CALL_SECONDS, Blob, Changed, Exists, Unheard

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

T = TypeVar("T")

_THREADS: Final = 12
"""Calls at the same time: those of a reader, and a renewal of the lease beside them."""
_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w{1,64})</Code>")
_NO_BUCKET: Final = frozenset({"NoSuchBucket", "ContainerNotFound"})
_TAKEN: Final = frozenset({HTTPStatus.PRECONDITION_FAILED, 0})
"""The statuses that say for certain that an object exists: S3's and Google's, and none in memory."""
_TAKEN_AT_AZURE: Final = "BlobAlreadyExists"
_MAY_PASS: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, 0}
)
"""The statuses below 500 after which the same request may succeed; 0 is no answer."""
_GIVES_CREDENTIALS: Final = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")
"""Hosts that a client asks for credentials where the environment has none."""


class Provider(Struct, frozen=True):
    """What differs between the providers."""

    opens: Callable[..., ObjectStore]
    """The class of its client."""
    compares: str
    """The field of an object's description by which a conditional write tells versions apart."""
    settings: dict[str, Any]
    """Its settings that no variable of the environment may change."""
    credentials: str
    """How the environment gives credentials: the hint where they are missing or refused."""


PROVIDERS: Final[Mapping[str, Provider]] = {
    "s3": Provider(
        stores.S3Store,
        "e_tag",
        {"conditional_put": "etag"},
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one, or run "
        "where a role gives them; AWS_REGION is the region of the bucket",
    ),
    "az": Provider(
        stores.AzureStore,
        "e_tag",
        {},
        "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or another credential of that account",
    ),
    "gs": Provider(
        stores.GCSStore,
        "version",
        {},
        "set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or run where one is attached",
    ),
}


def open_blobs(scheme: str, bucket: str, prefix: str, *, allow_http: bool) -> BucketBlobs:
    """Return the objects below *prefix* in *bucket* of the provider of *scheme*; nothing is sent yet.

    Only with *allow_http* an endpoint in the environment may do without TLS. Raises StateError if the
    environment does not name an account.
    """
    provider, place = PROVIDERS[scheme], f"{scheme}://{bucket}/{prefix}"
    client: ClientConfig = {"timeout": timedelta(seconds=CALL_SECONDS), "allow_http": allow_http}
    retries: RetryConfig = {"max_retries": 0, "retry_timeout": timedelta(seconds=CALL_SECONDS)}
    try:
        store = provider.opens(
            bucket, prefix=prefix, config=provider.settings, client_options=client, retry_config=retries
        )
    except (BaseError, ValueError):  # its text may hold what it read from the environment
        raise StateError(
            f"the state `{place}` cannot be used: the environment gives no usable account",
            hint=provider.credentials,
        ) from None
    return BucketBlobs(place, store, provider)


class BucketBlobs:
    """The objects of *store*, as `Blobs` has them."""

    def __init__(self, place: str, store: ObjectStore, provider: Provider) -> None:
        self.place = place
        self._store = store
        self._provider = provider
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")
        self._answered = False
        """Whether the store ever answered: then there are credentials."""

    async def get(self, name: str) -> Blob | None:
        """Return the object, or None."""

        def request() -> Blob | None:
            try:
                found = obstore.get(self._store, name)
                data = bytes(found.bytes())
            except (FileNotFoundError, NotFoundError) as error:
                if _code(error) in _NO_BUCKET:
                    raise
                return None
            return Blob(data, self._version(found.meta), found.meta["last_modified"])

        return await self._answer(request)

    async def create(self, name: str, data: bytes) -> str:
        """Write a new object."""

        def request() -> str:
            try:
                return self._version(obstore.put(self._store, name, data, mode="create"))
            except AlreadyExistsError as error:  # or any other conflict
                if _status(error) in _TAKEN or _code(error) == _TAKEN_AT_AZURE:
                    raise Exists(name) from None
                raise

        return await self._answer(request)

    async def swap(self, name: str, data: bytes, etag: str) -> str:
        """Replace the object of that version."""
        expected: UpdateVersion = (
            {"version": etag} if self._provider.compares == "version" else {"e_tag": etag}
        )

        def request() -> str:
            try:
                return self._version(obstore.put(self._store, name, data, mode=expected))
            except (FileNotFoundError, NotFoundError, PreconditionError) as error:
                if _code(error) in _NO_BUCKET:
                    raise
                raise Changed(name) from None

        return await self._answer(request)

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects, hundreds by one request where the provider can."""

        def request(names: Sequence[str]) -> Callable[[], None]:
            def act() -> None:
                try:
                    obstore.delete(self._store, names)
                except (FileNotFoundError, NotFoundError) as error:
                    if _code(error) in _NO_BUCKET:
                        raise
                    missing.extend(names)

            return act

        missing: list[str] = []
        if not names:
            return
        await self._answer(request(list(names)))
        if len(names) > 1 and missing:  # one did not exist, which may have kept others from being deleted
            for name in names:
                await self._answer(request([name]))

    async def names(self, prefix: str) -> list[str]:
        """Return the names that begin with *prefix*; providers list by folders."""
        folder = prefix.rpartition("/")[0]

        def request() -> list[str]:
            listed = obstore.list(self._store, folder or None).collect()
            return [one["path"] for one in listed if one["path"].startswith(prefix)]

        return await self._answer(request)

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _version(self, described: Mapping[str, Any]) -> str:
        version = described[self._provider.compares]
        if not version:
            raise Unheard("its answer has no version of the object")
        return str(version)

    async def _answer(self, request: Callable[[], T]) -> T:
        """Return the answer to *request*, which is made in a thread; raises StateError and `Unheard`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                answer = await loop.run_in_executor(self._threads, request)
        except TimeoutError:
            raise Unheard(f"it did not answer within {CALL_SECONDS:.0f} s") from None
        except (FileNotFoundError, BaseError) as error:  # whose texts show addresses and replies
            raise self._fault(error) from None
        self._answered = True
        return answer

    def _fault(self, error: Exception) -> StateError | Unheard:
        status, code = _status(error), _code(error)
        text = str(error)
        if not self._answered and any(host in text for host in _GIVES_CREDENTIALS):
            return self._unusable("there are no credentials in the environment", self._provider.credentials)
        if code in _NO_BUCKET:
            return self._unusable(
                f"there is no such bucket or container ({code})", "create it, or correct `--state`"
            )
        said = f"{status} {code}".strip() if status else ""
        if status == HTTPStatus.NOT_IMPLEMENTED:
            return self._unusable(
                f"the store answered {said}", "states need a store with conditional writes, such as S3 has"
            )
        if status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unheard(f"it answered {said}" if said else _silence(text))
        hint = "check what the credentials allow below that prefix: to read, write, delete and list; "
        hint += self._provider.credentials
        return self._unusable(f"the store answered {said}", hint)

    def _unusable(self, why: str, hint: str) -> StateError:
        return StateError(f"the state `{self.place}` cannot be used: {why}", hint=hint)


def _status(error: Exception) -> int:
    """Return the status of the reply in *error*, or 0."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else 0


def _code(error: Exception) -> str:
    """Return the provider's name for *error*, or nothing."""
    found = _CODE.search(str(error))
    return found[1] if found else ""


def _silence(text: str) -> str:
    """Return why there was no reply."""
    if "kind: Timeout" in text:
        return f"it did not answer within {CALL_SECONDS:.0f} s"
    return "there is no connection to it" if "kind: Connect" in text else "its answer cannot be read"
