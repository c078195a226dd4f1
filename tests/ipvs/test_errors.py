"""Every refusal names the row and the remedy."""

import errno
from ipaddress import ip_address

import pytest

from ipvs import errors
from ipvs.operations import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    Operation,
    SetDestination,
    SetService,
)
from ipvs.types import Destination, DestinationKey, Forwarding, MarkKey, Protocol, Service, ServiceKey

WEB = ServiceKey(Protocol.TCP, ip_address("192.0.2.1"), 80)
ONE = DestinationKey(ip_address("198.51.100.1"), 8080)
MARK = MarkKey(7)
SIX = DestinationKey(ip_address("2001:db8::6"), 8080)
DR = Destination(Forwarding.DR, 3)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (AddService(WEB, Service("wrr")), "add service [192.0.2.1]:tcp:80 with scheduler wrr"),
        (SetService(WEB, Service("rr")), "change service [192.0.2.1]:tcp:80 to scheduler rr"),
        (DeleteService(WEB), "delete service [192.0.2.1]:tcp:80"),
        (DeleteService(MARK), "delete service FWM 7"),
        (AddDestination(WEB, ONE, DR), "add destination [198.51.100.1]:8080 with weight 3 to service [192.0.2.1]:tcp:80"),
        (SetDestination(WEB, ONE, DR), "change destination [198.51.100.1]:8080 of service [192.0.2.1]:tcp:80 to weight 3"),
        (DeleteDestination(WEB, ONE), "delete destination [198.51.100.1]:8080 of service [192.0.2.1]:tcp:80"),
    ],
)
def test_an_operation_is_told_in_words(operation: Operation, words: str) -> None:
    assert errors.describe(operation) == words


@pytest.mark.parametrize(
    ("operation", "code", "kind", "remedy"),
    [
        (AddService(WEB, Service("mh")), errno.ENOENT, errors.UnknownSchedulerError, "modprobe ip_vs_mh"),
        (SetService(WEB, Service("wrrr")), errno.ENOENT, errors.UnknownSchedulerError, "known schedulers are rr, wrr"),
        (AddService(WEB, Service("mh", persistence_engine="sip")), errno.ENOENT, errors.UnknownSchedulerError, "ip_vs_pe_sip"),
        (AddDestination(MARK, SIX, DR), errno.EINVAL, errors.MixedFamilyError, "tunnelling"),
        (SetDestination(WEB, ONE, DR), errno.EBUSY, errors.BusyError, "it passes"),
        (AddService(WEB, Service("rr")), errno.EEXIST, errors.AlreadyExistsError, "another program"),
        (SetDestination(WEB, ONE, DR), errno.ENOENT, errors.DoesNotExistError, "add the service first"),
        (AddDestination(WEB, ONE, DR), errno.ESRCH, errors.DoesNotExistError, "add the service first"),
        (AddDestination(WEB, SIX, DR), errno.EINVAL, errors.MixedFamilyError, "tunnelling"),
        (AddDestination(WEB, ONE, DR), errno.EINVAL, errors.InvalidError, "unicast"),
        (AddService(WEB, Service("rr")), errno.EINVAL, errors.InvalidError, "netmask"),
        (SetDestination(WEB, ONE, DR), errno.ERANGE, errors.OutOfRangeError, "threshold"),
        (AddService(WEB, Service("rr")), errno.EAFNOSUPPORT, errors.AddressFamilyError, "CONFIG_IP_VS_IPV6"),
        (DeleteService(WEB), errno.ENOMEM, errors.RefusedError, "dmesg"),
    ],
)
def test_a_refusal_has_its_type_and_remedy(
    operation: Operation, code: int, kind: type[errors.RefusedError], remedy: str
) -> None:
    error = errors.refused(operation, code, "the kernel's words")
    assert type(error) is kind
    assert (error.operation, error.errno) == (operation, code)
    assert remedy in error.remedy
    assert str(errors.Failure(operation, error)) == (
        f"cannot {errors.describe(operation)}: the kernel's words ({errno.errorcode[code]}); {error.remedy}"
    )


def test_a_missing_scheduler_or_engine_names_its_modules() -> None:
    error = errors.refused(AddService(WEB, Service("mh", persistence_engine="sip")), errno.ENOENT, "No such file")
    assert isinstance(error, errors.UnknownSchedulerError)
    assert error.modules == ("ip_vs_mh", "ip_vs_pe_sip")
    assert errors.ModuleMissingError("tried").module == "ip_vs"


def test_an_unknown_number_is_told_as_it_is() -> None:
    assert "(4711)" in str(errors.CommandRefusedError("zero", 4711, "strange", {}))
    assert "(4711)" in str(errors.NamespaceError("/run/netns/one", 4711, "strange"))
