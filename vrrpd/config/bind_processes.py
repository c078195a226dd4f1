"""What `global_defs` says about processes: their names, where they run, how they are scheduled, what they execute and write."""

from __future__ import annotations

import re
from typing import cast

from vrrpd.config.commands import bind_command, script_user
from vrrpd.config.diagnostics import Code, Report, printable
from vrrpd.config.model import AutoPriority, Fifo, Fifos, Files, Names, Namespaces, Scheduling, Scripts
from vrrpd.config.settings import flag, number, setting, switch, word
from vrrpd.config.tree import Node

PROCESS_NAME_MAX = 15
"""TASK_COMM_LEN of include/linux/sched.h less its terminator."""
PROCESSORS_MAX = 1024
"""CPU_SETSIZE of sched_setaffinity(2)."""
MODE_BITS = {
    f"I{what}{who}": bit << shift
    for who, shift in (("USR", 6), ("GRP", 3), ("OTH", 0))
    for what, bit in (("R", 4), ("W", 2), ("X", 1))
} | {"IRWXU": 0o700, "IRWXG": 0o070, "IRWXO": 0o007}
"""The names of stat(2) without their S_."""
OCTAL = re.compile(r"[0-7]{1,5}")


# -- names and places --------------------------------------------------------------------------------


def bind_names(root: Node, settings: Node, report: Report) -> Names:
    """What the daemon and its processes are called. Of several names of an instance the first holds."""
    by_themselves = flag(settings, "process_names")
    instance = root.all("instance")

    def name(keyword: str, usual: str | None) -> str | None:
        text = word(settings, keyword)
        if text is None:
            return usual if by_themselves else None
        if len(text) > PROCESS_NAME_MAX:
            found = settings.last(keyword)
            assert found is not None
            message = f"the kernel keeps {PROCESS_NAME_MAX} characters of a process's name"
            report.warning(Code.REDUCED, found.line, 1, message, assumed=f"`{text[:PROCESS_NAME_MAX]}`")
        return text[:PROCESS_NAME_MAX]

    return Names(
        instance=printable(cast("str", instance[0].values[0])) if instance else None,
        supervisor=name("process_name", None),
        router=name("vrrp_process_name", "keepalived_vrrp"),
        director=name("checker_process_name", "keepalived_lvs"),
        bfd=name("bfd_process_name", "keepalived_bfd"),
    )


def bind_namespaces(root: Node) -> Namespaces:
    """The network namespaces to work in."""
    network = word(root, "net_namespace")
    return Namespaces(network, word(root, "net_namespace_ipvs") or network, flag(root, "namespace_with_ipsets"))


# -- scheduling --------------------------------------------------------------------------------


def bind_scheduling(settings: Node, prefix: str, report: Report) -> Scheduling:
    """The place in the kernel's queue of the process that keepalived calls `prefix`."""
    return Scheduling(
        nice=number(settings, f"{prefix}_priority"),
        real_time_priority=number(settings, f"{prefix}_rt_priority"),
        lock_memory=flag(settings, f"{prefix}_no_swap"),
        cpu_affinity=_processors(settings, f"{prefix}_cpu_affinity", report),
        real_time_limit_us=max(2, setting(settings, f"{prefix}_rlimit_rttime", Scheduling().real_time_limit_us)),
    )


def _processors(settings: Node, name: str, report: Report) -> tuple[int, ...]:
    """Whether a processor exists depends on the host; whether its number can be that of one does not."""
    found = settings.last(name)
    if found is None:
        return ()
    processors = cast("list[int]", found.values)
    impossible = next((index for index, one in enumerate(processors, 1) if one >= PROCESSORS_MAX), None)
    if impossible is not None:
        message = f"there is no processor {processors[impossible - 1]}"
        report.error(Code.BAD_VALUE, found.line, impossible, message, assumed="every processor")
        return ()
    return tuple(sorted(set(processors)))


def bind_auto_priority(settings: Node) -> AutoPriority:
    """How far a late process is raised: as far as can be where no number is given."""
    return AutoPriority(
        max_priority=setting(settings, "max_auto_priority", 99) if flag(settings, "max_auto_priority") else 0,
        min_delay_us=setting(settings, "min_auto_priority_delay", AutoPriority().min_delay_us),
    )


# -- scripts and pipes --------------------------------------------------------------------------------


def bind_scripts(settings: Node, report: Report) -> Scripts:
    """How commands are run."""
    user, group = script_user(settings)
    return Scripts(
        user=user,
        group=group,
        security=flag(settings, "enable_script_security"),
        use_symlink_paths=switch(settings, "use_symlink_paths", default=False),
        supplementary_groups=switch(settings, "set_supplementary_groups", default=False),
        startup=bind_command(settings, "startup_script", settings, report),
        startup_timeout_s=setting(settings, "startup_script_timeout", Scripts().startup_timeout_s),
        shutdown=bind_command(settings, "shutdown_script", settings, report),
        shutdown_timeout_s=setting(settings, "shutdown_script_timeout", Scripts().shutdown_timeout_s),
    )


def bind_fifos(settings: Node, report: Report) -> Fifos:
    """Where events are written."""
    return Fifos(
        all=_fifo(settings, "notify_fifo", report),
        vrrp=_fifo(settings, "vrrp_notify_fifo", report),
        lvs=_fifo(settings, "lvs_notify_fifo", report),
        write_states_on_reload=flag(settings, "fifo_write_vrrp_states_on_reload"),
    )


def _fifo(settings: Node, name: str, report: Report) -> Fifo | None:
    script = bind_command(settings, f"{name}_script", settings, report)
    found = settings.last(name)
    if found is None:
        if script is not None and not settings.mentions(name):
            line = settings.all(f"{name}_script")[0].line
            report.warning(Code.CONFLICT, line, 0, f"without `{name}` there is nothing to read", assumed="it is left out")
        return None
    path, user, group = [*(printable(text) for text in cast("list[str]", found.values)), None, None][:3]
    if user is None:
        user, group = script_user(settings)
    assert path is not None
    return Fifo(path, user, group, script)


# -- files --------------------------------------------------------------------------------


def bind_files(root: Node, settings: Node, report: Report) -> Files:
    """Where the daemon writes, and reads names from. An instance of its own has a directory of its own."""
    usual = Files()
    return Files(
        umask=_umask(settings, report),
        use_pid_directory=flag(root, "use_pid_dir") or flag(root, "instance"),
        save_directory=word(settings, "config_save_dir"),
        temporary_directory=word(settings, "tmp_config_directory"),
        dump_names_have_instance=switch(settings, "data_use_instance", default=False),
        json_version=setting(settings, "json_version", usual.json_version),
        state_dump=word(settings, "state_dump_file") or usual.state_dump,
        stats_dump=word(settings, "stats_dump_file"),
        json_dump=word(settings, "json_dump_file"),
        iproute_usr_directory=word(settings, "iproute_usr_dir"),
        iproute_etc_directory=word(settings, "iproute_etc_dir"),
    )


def _umask(settings: Node, report: Report) -> int:
    """An octal number, or names of mode bits joined by `|`."""
    found = settings.last("umask")
    if found is None:
        return Files().umask
    text = " ".join(cast("list[str]", found.values))
    names = [name.strip() for name in text.split("|")]
    if OCTAL.fullmatch(text) and (mask := int(text, 8)) <= 0o777:
        return mask
    if all(name in MODE_BITS for name in names):
        mask = 0
        for name in names:
            mask |= MODE_BITS[name]
        return mask
    message = f"`{text}` is neither an octal number up to 777 nor names such as IRGRP joined by `|`"
    report.error(Code.BAD_VALUE, found.line, 1, message, assumed=f"{Files().umask:04o}, the default")
    return Files().umask
