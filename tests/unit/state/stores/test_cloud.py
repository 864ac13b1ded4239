"""Addresses of buckets: what they may be, and who says where requests go."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.cloud import Location, is_local, located, open_store

GOOD = {
    "s3://acme-state/prod": Location("s3", "acme-state", "prod"),
    "S3://acme.state/teams/desk_1/prod/": Location("s3", "acme.state", "teams/desk_1/prod"),
    "az://states/prod": Location("az", "states", "prod"),
    "gs://acme_state/env=prod": Location("gs", "acme_state", "env=prod"),
}
HOSTILE = (
    *("s3://", "s3:///", "s3://bucket", "s3://bucket/", "s3:///prefix", "s3://bucket//prefix", "s3://b/x"),
    *("s3://me:geheim@bucket/x", "s3://bucket/x@geheim", "s3://geheim@evil.example/x", "az://me:geheim@a/x"),
    *("s3://evil.example:443/x", "s3://[::1]/x", "s3://127.0.0.1:9000/x", "s3://bucket.s3.evil.example/../x"),
    *(
        "s3://bucket/x?endpoint=http://evil.example",
        "s3://bucket/x#geheim",
        "az://states/x?sig=geheim",
        "s3://bucket/x?region=evil",
        "s3://bucket?x",
    ),
    *(
        "s3://bucket/../other/x",
        "s3://bucket/x/..",
        "s3://bucket/./x",
        "s3://bucket/..",
        "s3://bucket/%2e%2e/x",
    ),
    *(
        "s3://bucket/a b",
        "s3://bucket/x\n",
        "s3://bucket/x\0",
        "s3://bucket/\u202ex",
        "s3://bucket/ü",
        "s3://b\u00fccket/x",
    ),
    *(
        "s3://Bucket/x",
        "s3://-bucket/x",
        "s3://bucket-/x",
        "s3://bucket\\x/y",
        "s3://bucket/x\\y",
        "s3://buc_ket/x",
    ),
    *(
        "s3://%s/x" % ("b" * 64),
        "s3://bucket/%s" % ("x" * 513),
        "s3://https://evil.example/x",
        "s3://bucket/x//y",
    ),
    *(
        "az://a/x",
        "az://con--tainer/x",
        "az://$root/x",
        "az://account.blob.core.windows.net/x",
        "az://container@evil/x",
    ),
    *(
        "gs://Goog/x",
        "gs://bucket:80/x",
        "gs://b/x",
        "gs://bucket/x;y",
        "gs://bucket/x&y",
        "gs://bucket/x|id",
    ),
)


@pytest.mark.parametrize("address", GOOD)
def test_a_bucket_and_a_prefix(address: str) -> None:
    """Of each provider."""
    assert located(address) == GOOD[address]


def test_nothing_else_is_an_address() -> None:
    """No host, no port, no query, no way out of the bucket, and no password, which no message shows."""
    for address in HOSTILE:
        with pytest.raises(UsageError, match="is not a bucket and a prefix") as refused:
            located(address)
        assert "geheim" not in str(refused.value)
        assert refused.value.hint
    assert len(set(HOSTILE)) == len(HOSTILE) > 50


@pytest.mark.parametrize(
    ("scheme", "environ", "local"),
    [
        ("s3", {}, False),
        ("s3", {"AWS_ENDPOINT_URL": "https://minio.example:9000"}, False),
        ("s3", {"AWS_ENDPOINT_URL": "http://127.0.0.1:8333"}, True),
        ("s3", {"AWS_ENDPOINT_URL_S3": "http://[::1]:8333"}, True),
        ("s3", {"AZURE_ENDPOINT": "http://example.com"}, False),
        ("az", {"AZURE_STORAGE_USE_EMULATOR": "true"}, True),
        ("az", {"AZURITE_BLOB_STORAGE_URL": "http://localhost:10000"}, True),
        ("gs", {"GOOGLE_BASE_URL": ""}, False),
    ],
)
def test_only_this_machine_does_without_tls(scheme: str, environ: dict[str, str], *, local: bool) -> None:
    """The variables of other providers count for nothing."""
    assert is_local(scheme, environ) is local


@pytest.mark.parametrize(
    "url",
    [
        "http://minio.example:9000",
        "http://127.0.0.1.evil.example",
        "ftp://127.0.0.1",
        "minio",
        "http://[",
        "https://",
    ],
)
def test_another_machine_needs_tls(url: str) -> None:
    """The error names the variable, also beside one that leads to this machine."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        environ = {"AWS_ENDPOINT": "http://127.0.0.1:8333", name: url}
        with pytest.raises(UsageError, match=name):
            open_store("s3://bucket/x", environ, trusted=True, keys=NO_KEYS)
