"""`vrrpd` without a subcommand: the daemon, started with the options that keepalived(8) takes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from vrrpd import __version__
from vrrpd.cli.check import check, config_test
from vrrpd.cli.explain import explain
from vrrpd.cli.simulate import simulate
from vrrpd.config import default_file
from vrrpd.config.model import ListenAddress

SIGNALS = {"STOP": signal.SIGTERM, "RELOAD": signal.SIGHUP}
"""`--signum`: signals by what they do, as scripts ask for them."""
TO_STANDARD_ERROR = "-"


class _Listen(click.ParamType[ListenAddress]):
    """ADDRESS:PORT, an IPv6 address in brackets."""

    name = "address:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ListenAddress:
        host, colon, port = str(value).rpartition(":")
        if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
            self.fail(f"{value!r} is no ADDRESS:PORT, such as 127.0.0.1:9165 or [::1]:9165", param, ctx)
        return ListenAddress(host.strip("[]"), int(port))


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-f", "--use-file", "config_file", metavar="FILE", help="Configuration file.")
@click.option("-t", "--config-test", "test_log", is_flag=False, flag_value=TO_STANDARD_ERROR, metavar="[FILE]",
              help="Check the configuration, writing what is wrong to FILE or standard error, and exit.")  # fmt: skip
@click.option("-n", "--dont-fork", is_flag=True, help="Stay in the foreground.")
@click.option("-l", "--log-console", is_flag=True, help="Log to the console.")
@click.option("-D", "--log-detail", count=True, help="Log more.")
@click.option("-P", "--vrrp", "only_vrrp", is_flag=True, help="Run only VRRP.")
@click.option("-C", "--check", "only_check", is_flag=True, help="Run only the virtual servers.")
@click.option("-p", "--pid", type=click.Path(path_type=Path), metavar="FILE", help="The daemon's pid file.")
@click.option("-r", "--vrrp_pid", type=click.Path(path_type=Path), metavar="FILE", help="The router process's pid file.")
@click.option("-c", "--checkers_pid", type=click.Path(path_type=Path), metavar="FILE", help="The director process's pid file.")
@click.option("-i", "--config-id", metavar="ID", help="Keep the lines of the configuration that begin with @ID.")
@click.option("--signum", type=click.Choice(sorted(SIGNALS)), help="Print the number of a signal and exit.")
@click.option("--run-dir", type=click.Path(path_type=Path), metavar="DIR", help="Run directory. [default: $RUNTIME_DIRECTORY, "
              "else /run/vrrpd]")  # fmt: skip
@click.option("--http", "http_listen", type=_Listen(), help="Serve metrics there unless the file's http_listen says where.")
@click.option("--strict", is_flag=True, help="Do not start on a file with errors.")
@click.version_option(__version__, "-v", "--version", prog_name="vrrpd")
@click.pass_context
def main(
    context: click.Context,
    config_file: str | None,
    test_log: str | None,
    dont_fork: bool,
    log_console: bool,
    log_detail: int,
    only_vrrp: bool,
    only_check: bool,
    pid: Path | None,
    vrrp_pid: Path | None,
    checkers_pid: Path | None,
    config_id: str | None,
    signum: str | None,
    run_dir: Path | None,
    http_listen: ListenAddress | None,
    strict: bool,
) -> None:
    """Keep addresses and the servers behind them available: VRRP, IPVS and health checks, on keepalived's own files."""
    if context.invoked_subcommand is not None:
        return
    if signum is not None:
        click.echo(int(SIGNALS[signum]))
        return
    file = config_file or default_file()
    if test_log is not None:
        context.exit(_test(file, test_log, config_id=config_id, strict=strict))
    from vrrpd.daemon import log, supervisor  # noqa: PLC0415  # the subcommands do without

    options = supervisor.Options(
        config_file=file,
        run_dir=run_dir or Path(os.environ.get("RUNTIME_DIRECTORY", supervisor.RUN_DIRECTORY).split(":")[0]),
        config_id=config_id,
        strict=strict,
        vrrp=only_vrrp or not only_check,
        balancing=only_check or not only_vrrp,
        pid_file=pid,
        router_pid_file=vrrp_pid,
        director_pid_file=checkers_pid,
        http_listen=http_listen,
    )
    if not dont_fork:
        _leave_the_foreground()
    log.configure(console=log_console, detail=bool(log_detail))
    context.exit(supervisor.run(options))


main.add_command(check)
main.add_command(explain)
main.add_command(simulate)


def _test(file: str, test_log: str, *, config_id: str | None, strict: bool) -> int:
    if test_log == TO_STANDARD_ERROR:
        return config_test(file, config_id=config_id, strict=strict, stream=sys.stderr)
    with open(test_log, "a") as stream:
        return config_test(file, config_id=config_id, strict=strict, stream=stream)


def _leave_the_foreground() -> None:
    """Become a daemon as daemon(3) does; what can go wrong is told in the log."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
