"""Find the service of each name: by its sid, its friendly name, or as the account's default one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from reconciler.errors import NotFound, PlanError
from reconciler.model import Address, Desired, RemoteService, Service
from reconciler.runtime.concurrency import concurrently
from reconciler.state.model import State
from reconciler.state.remembered import Binding

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


_ByName: TypeAlias = dict[str | None, list[RemoteService]]
"""All services of an account by friendly name, which several may have."""


async def find_services(
    client: Twilio,
    desired: Desired,
    state: State,
    bound: Mapping[Address, Binding],
    *,
    destroy: bool,
) -> dict[Address, RemoteService | None]:
    """Return every service that is desired or *bound*, by name; None for one that does not exist.

    One 404 for a bound service may come from a replica that is behind: the service is gone only if the
    listing of the account lacks it too. Raises PlanError for a name that is ambiguous.
    """
    wanted = {service.name: service for service in desired.services}
    names = [*wanted, *(name for name in sorted(bound) if name not in wanted)]
    unknown = any(not s.sid and not s.default and s.name not in bound for s in desired.services)
    by_name = (
        await _services_by_name(client) if unknown else {}
    )  # a service without binding and sid is found by its name only
    found = await concurrently(_service(client, name, wanted.get(name), state, by_name) for name in names)
    services = dict(zip(names, found, strict=True))
    missing = [name for name, live in services.items() if live is None and name in bound]
    if missing:
        by_name = by_name or await _services_by_name(client)
        by_sid = {service.sid: service for same_name in by_name.values() for service in same_name}
        services.update({name: by_sid.get(bound[name].sid) for name in missing})
    if not destroy:
        _refuse_shared(desired, services)
        gone = [one for one in desired.services if one.name in bound and services[one.name] is None]
        await _refuse_remade(client, gone, bound, by_name)
    return services


def _refuse_shared(desired: Desired, live: Mapping[Address, RemoteService | None]) -> None:
    """Raise PlanError if two names mean one service: each would delete the other's conversations."""
    first: dict[str, Service] = {}
    for service in desired.services:
        found = live[service.name]
        other = first.setdefault(found.sid, service) if found is not None else service
        if found is not None and other is not service:
            raise PlanError(
                f"`{other.name}` ({_where(other)}) and `{service.name}` ({_where(service)}) are one service "
                f"({found.sid})",
                hint="declare it under one name; what several files say of one service name is merged",
            )


async def _refuse_remade(
    client: Twilio,
    gone: Sequence[Service],
    bound: Mapping[Address, Binding],
    by_name: _ByName,
) -> None:
    """Raise PlanError if a bound service that is *gone* was created again under its name by others."""
    for service in gone:
        name = service.friendly_name or service.name
        sids = [one.sid for one in by_name.get(name, ())]
        if service.default:
            sids = [await client.default_service_sid()]
        if sids:
            meaning = "the default service" if service.default else f"the name {name!r}"
            raise PlanError(
                f"`{service.name}` is {bound[service.name].sid} in the state, which is gone, but {meaning} "
                f"now means {' and '.join(sids)}",
                hint=f"to use it, run `reconciler state rm {service.name}`; if another one is meant, also "
                f"say which with `sid:` at {_where(service)}",
            )


def _where(service: Service) -> str:
    from reconciler.manifest.where import where  # noqa: PLC0415  # a parser, which known files do without

    return where(service.path, ("services", service.name), service.line)


async def _services_by_name(client: Twilio) -> _ByName:
    by_name: _ByName = {}
    async for page in client.service_pages():
        for service in page:
            by_name.setdefault(service.friendly_name, []).append(service)
    return by_name


async def _service(
    client: Twilio,
    address: Address,
    service: Service | None,
    state: State,
    by_name: _ByName,
) -> RemoteService | None:
    binding = state.bindings.get(address)
    if service is not None and service.sid is not None:
        check_sid(address, service.path, service.line, service.sid, binding.sid if binding else None)
        try:
            return await client.fetch_service(service.sid)
        except NotFound as error:
            raise no_such(address, service.path, service.line, service.sid, "service") from error
    if binding is not None:
        try:
            return await client.fetch_service(binding.sid)
        except NotFound:
            return None
    if service is None:
        return None
    if service.default:
        return await client.fetch_service(await client.default_service_sid())
    name = service.friendly_name or service.name
    candidates = by_name.get(name, [])
    if len(candidates) > 1:
        sids = " and ".join(candidate.sid for candidate in candidates)
        raise PlanError(
            f"{len(candidates)} services are named {name!r}: {sids}",
            hint=f"say which one is meant with `sid:` at {service.path}:{service.line}",
        )
    return candidates[0] if candidates else None


def check_sid(address: Address, path: str, line: int, sid: str, bound: str | None) -> None:
    """Raise PlanError if the manifest has another *sid* for *address* than the state, which has *bound*."""
    if bound is not None and bound != sid:
        raise PlanError(
            f"`{address}` is {bound} in the state, but {path}:{line} says {sid}",
            hint=f"run `reconciler state rm {address}` if the other one is meant from now on",
        )


def no_such(address: Address, path: str, line: int, sid: str, what: str) -> PlanError:
    """Return the error for a declared *sid* that does not exist; *what* is the noun for it."""
    return PlanError(
        f"the {what} {sid} of `{address}` does not exist (404)",
        hint=f"check `sid:` at {path}:{line}, and that the account is the right one; "
        "without `sid:` it is found by name, and created if absent",
    )
