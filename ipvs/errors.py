"""What can go wrong, and how to mend it."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass

from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)

KNOWN_SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos")
"""Schedulers of the kernel; each is a module `ip_vs_<name>`, loaded by the kernel itself when it is asked for."""


class IpvsError(Exception):
    """Whatever this library raises of its own accord; a broken socket raises `ipvs.netlink.NetlinkError`."""


class ModuleMissingError(IpvsError):
    """The running kernel has no IPVS."""

    module = "ip_vs"

    def __init__(self, attempt: str) -> None:
        super().__init__(
            "the kernel knows no IPVS: the module ip_vs is not loaded; run `modprobe ip_vs` as root, or list ip_vs in "
            f"/etc/modules-load.d; in a container load it on the host ({attempt})"
        )


class PermissionDeniedError(IpvsError):
    """The kernel does not let this process see or change the table."""

    def __init__(self) -> None:
        super().__init__("the kernel refuses to show or change the IPVS table: run as root or give CAP_NET_ADMIN")


class OutOfStepError(IpvsError):
    """What is known of the kernel's table may be wrong, and some of what was asked may have been done: read the table again.

    Answers were lost twice, the kernel was busy for long, or IPVS was unloaded in the middle, its whole table with it.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"the IPVS table has to be read again: {cause}")


class UnreadableAnswerError(IpvsError):
    """The kernel's answer lacks what every kernel says."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the kernel's answer cannot be read: {what}; is this kernel older than Linux 3.0, or much newer?")


class NamespaceError(IpvsError):
    """A network namespace cannot be entered."""

    def __init__(self, namespace: str, code: int, kernel_text: str) -> None:
        self.errno = code
        remedy = {
            errno.ENOENT: "make it with `ip netns add`",
            errno.EPERM: "run as root or give CAP_SYS_ADMIN",
            errno.EINVAL: "it is no network namespace; make one with `ip netns add`",
        }.get(code, "see `ip netns`")
        super().__init__(
            f"cannot enter the network namespace {namespace}: {kernel_text} ({errno.errorcode.get(code, code)}); {remedy}"
        )


class CommandRefusedError(IpvsError):
    """The kernel refused what concerns IPVS as a whole: time-outs, a synchronisation daemon, zeroing. `errno` is its number."""

    def __init__(self, command: str, code: int, kernel_text: str, remedies: Mapping[int, str]) -> None:
        self.errno = code
        remedy = remedies.get(code, RefusedError.remedy)
        super().__init__(f"cannot {command}: {kernel_text} ({errno.errorcode.get(code, code)}); {remedy}")


class RefusedError(IpvsError):
    """The kernel refused one operation. `errno` is its number, `remedy` what a person can do, both also in the text."""

    remedy = "see the kernel's log (dmesg)"

    def __init__(self, operation: Operation, code: int, kernel_text: str) -> None:
        self.operation = operation
        self.errno = code
        super().__init__(f"cannot {describe(operation)}: {kernel_text} ({errno.errorcode.get(code, code)}); {self.remedy}")


class UnknownSchedulerError(RefusedError):
    """No scheduler of that name is loaded or can be. `modules` names what has it.

    With a persistence engine that may be missing as well: the kernel does not say which of the two it is.
    """

    def __init__(self, operation: AddService | SetService, code: int, kernel_text: str) -> None:
        scheduler, engine = operation.service.scheduler, operation.service.persistence_engine
        self.modules = (f"ip_vs_{scheduler}", f"ip_vs_pe_{engine}") if engine else (f"ip_vs_{scheduler}",)
        missing = f"scheduler {scheduler}" + (f" or no persistence engine {engine}" if engine else "")
        self.remedy = f"the kernel has no {missing}: " + (
            f"run `modprobe {'-a ' if engine else ''}{' '.join(self.modules)}`"
            if scheduler in KNOWN_SCHEDULERS
            else f"known schedulers are {', '.join(KNOWN_SCHEDULERS)}"
        )
        super().__init__(operation, code, kernel_text)


class AlreadyExistsError(RefusedError):
    """What was to be added was there, and yet was gone when it was to be changed: somebody else writes the table too."""

    remedy = "another program changes the same rows; let only one do so"


class DoesNotExistError(RefusedError):
    """The service of a destination is not in the kernel, or the row vanished while it was changed."""

    remedy = "add the service first; if it was there, another program deleted it"


class MixedFamilyError(RefusedError):
    """A destination of the other address family than its service is refused."""

    remedy = (
        "a real server of the other address family needs tunnelling (TUN), Linux 3.18 or later, and no connection "
        "synchronisation daemon in the same network namespace"
    )


class OutOfRangeError(RefusedError):
    """A weight is negative, or the lower threshold is above the upper one."""

    remedy = "weights are 0 to 2147483647, and the lower threshold is at most the upper one"


class InvalidError(RefusedError):
    """A value that IPVS cannot take."""

    remedy = (
        "check that the address is a unicast address (IPv6: not link-local), the netmask or prefix length is valid, and a GUE "
        "tunnel has a port"
    )


class BusyError(RefusedError):
    """The kernel cannot do it now."""

    remedy = "it passes: read the table and try again"


class AddressFamilyError(RefusedError):
    """The kernel was built without IPv6 support in IPVS."""

    remedy = "use a kernel with CONFIG_IP_VS_IPV6"


@dataclass(frozen=True, slots=True)
class Failure:
    """An operation that the kernel refused for good; the others of its batch were carried out."""

    operation: Operation
    error: RefusedError

    def __str__(self) -> str:
        return str(self.error)


def refused(operation: Operation, code: int, kernel_text: str) -> RefusedError:
    """The exception that fits a refusal."""
    if code == errno.ENOENT and isinstance(operation, AddService | SetService):
        return UnknownSchedulerError(operation, code, kernel_text)
    if code == errno.EINVAL and isinstance(operation, AddDestination | SetDestination) and _mixes_families(operation):
        return MixedFamilyError(operation, code, kernel_text)
    return BY_ERRNO.get(code, RefusedError)(operation, code, kernel_text)


BY_ERRNO: dict[int, type[RefusedError]] = {
    errno.EEXIST: AlreadyExistsError,
    errno.ENOENT: DoesNotExistError,
    errno.ESRCH: DoesNotExistError,
    errno.EINVAL: InvalidError,
    errno.ERANGE: OutOfRangeError,
    errno.EAFNOSUPPORT: AddressFamilyError,
    errno.EBUSY: BusyError,
    errno.EAGAIN: BusyError,
}


def describe(operation: Operation) -> str:
    """An operation in words, as in `add destination [192.0.2.7]:80 to service [192.0.2.1]:tcp:80`."""
    match operation:
        case AddService(key, service):
            return f"add service {key} with scheduler {service.scheduler}"
        case SetService(key, service):
            return f"change service {key} to scheduler {service.scheduler}"
        case DeleteService(key):
            return f"delete service {key}"
        case AddDestination(service_key, key, destination):
            return f"add destination {key} with weight {destination.weight} to service {service_key}"
        case SetDestination(service_key, key, destination):
            return f"change destination {key} of service {service_key} to weight {destination.weight}"
        case DeleteDestination(service_key, key):
            return f"delete destination {key} of service {service_key}"


def _mixes_families(operation: AddDestination | SetDestination) -> bool:
    return operation.key.address.version != operation.service_key.family
