"""Histories drawn by a seed: which routers there are, and what befalls them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.simulation.plans import HostPlan, RouterPlan
from vrrpd.simulation.behaviour import Behaviour
from vrrpd.simulation.faults import (
    CLIENT,
    Crash,
    Cut,
    Failover,
    Fault,
    Heal,
    Kill,
    Pause,
    Plug,
    Reload,
    Resume,
    Return,
    Scenario,
    StepClock,
    Stop,
    Timed,
    Unplug,
    Weather,
)

CALM_S = 24.0
"""Longer than the longest wait of the routers drawn here, so that what must hold in peace is looked at between faults."""
EPISODES_MAX = 5


@dataclass(frozen=True)
class History:
    """All that a seed stands for."""

    seed: int
    hosts: tuple[HostPlan, ...]
    scenario: Scenario

    @property
    def router_seconds(self) -> float:
        """How much is simulated: each host's time."""
        return len(self.hosts) * self.scenario.duration_s


def draw(seed: int) -> History:
    """The history of a seed."""
    chance = random.Random(seed)
    hosts = _draw_hosts(chance)
    faults: list[Timed] = []
    at_s = chance.choice([chance.uniform(0, 5), CALM_S])
    for _ in range(chance.randint(1, EPISODES_MAX)):
        episode = _draw_episode(chance, hosts, at_s)
        faults += episode
        over_s = max(timed.at_s for timed in episode)
        at_s = chance.choice(
            [chance.uniform(at_s, over_s), over_s + chance.uniform(0, 2), over_s + chance.uniform(0, 8), over_s + CALM_S]
        )
    delay_s = chance.choice([0.0002, 0.0005, 0.003])
    # In peace no announcement is overtaken by the answer to an advert that left with it: that takes two delays.
    weather = Weather(delay_s=delay_s, jitter_s=chance.choice([0.0, delay_s / 2, delay_s]))
    end_s = max(timed.at_s for timed in faults) + CALM_S
    return History(seed, hosts, Scenario(tuple(faults), end_s, weather))


# -- routers ------------------------------------------------------------------------------------------------------------


def _draw_hosts(chance: random.Random) -> tuple[HostPlan, ...]:
    number = chance.choice([2, 2, 2, 3, 3, 4, 5])
    version, family = chance.choice([(2, 4), (2, 4), (3, 4), (3, 6)])
    is_group = chance.random() < 0.15
    two = is_group or chance.random() < 0.12
    interval_s = chance.choice([1, 1, 2]) if version == 2 else chance.choice([0.25, 1, 1, 1.5])
    priorities = _draw_priorities(chance, number)
    settings = _draw_common_settings(chance, version)
    plans: list[HostPlan] = []
    for host_number in range(number):
        own = (*settings, *_draw_own_settings(chance, priorities[host_number]))
        own_interval_s = chance.choice([0.5, 1, 2]) if version == 3 and chance.random() < 0.15 else interval_s
        first = RouterPlan(
            priority=priorities[host_number],
            version=version,
            addresses=_addresses(family, 1, 2 if two else 1),
            interval_s=own_interval_s,
            settings=own,
        )
        # Members of a group are as good as each other; others share the load.
        priority = priorities[host_number] if is_group else priorities[-1 - host_number]
        second = replace(
            first,
            name="VI_2",
            interface=chance.choice(["eth0", "eth1"]) if not host_number else "",
            virtual_router_id=52,
            priority=priority,
            addresses=_addresses(family, 2, 1),
            settings=own if is_group else settings,
        )
        if host_number:
            second = replace(second, interface=plans[0].routers[-1].interface)
        plans.append(HostPlan("ABCDE"[host_number], (first, second) if two else (first,), is_group))
    return tuple(_with_strangers(chance, plans))


def _draw_priorities(chance: random.Random, number: int) -> list[int]:
    """Often some are equal; at most one owns the addresses."""
    pool = chance.choice([[50, 100, 150, 200, 254], [100], [99, 100, 101], [1, 254, 128]])
    priorities = [chance.choice(pool) for _ in range(number)]
    if chance.random() < 0.12:
        priorities[chance.randrange(number)] = 255
    return priorities


def _draw_common_settings(chance: random.Random, version: int) -> tuple[str, ...]:
    settings = []
    if version == 2 and chance.random() < 0.5:
        settings.append("authentication {\n    auth_type PASS\n    auth_pass secret\n  }")
    if chance.random() < 0.1:
        settings.append(f"down_timer_adverts {chance.choice([2, 4])}")
    return tuple(settings)


def _draw_own_settings(chance: random.Random, priority: int) -> tuple[str, ...]:
    settings = []
    if priority != 255:
        drawn = chance.random()
        if drawn < 0.15:
            settings.append("nopreempt")
        elif drawn < 0.25:
            settings.append(f"preempt_delay {chance.choice([1, 4])}")
    if chance.random() < 0.1:
        settings.append("garp_master_refresh 10")
    if chance.random() < 0.1:
        settings.append(f"garp_master_delay {chance.choice([0, 1])}")
    if chance.random() < 0.07:
        settings.append("lower_prio_no_advert")
    return tuple(settings)


def _addresses(family: int, network: int, number: int) -> tuple[str, ...]:
    form = "192.0.2.{}{}" if family == 4 else "2001:db8::{}:{}"
    return tuple(form.format(network, host) for host in range(1, number + 1))


def _with_strangers(chance: random.Random, plans: list[HostPlan]) -> list[HostPlan]:
    """Now and then one of them runs another daemon."""
    if chance.random() < 0.1:
        number = chance.randrange(len(plans))
        plans[number] = replace(plans[number], behaviour=chance.choice([Behaviour.KEEPALIVED, Behaviour.RFC]))
    return plans


# -- what befalls them --------------------------------------------------------------------------------------------------


def _draw_episode(chance: random.Random, hosts: tuple[HostPlan, ...], at_s: float) -> list[Timed]:
    """Something happens, and is over some time later."""
    host = chance.choice(hosts)
    name = host.name
    for_s = chance.choice([chance.uniform(0.01, 1), chance.uniform(1, 5), chance.uniform(5, 30)])
    begin: Fault
    end: Fault | None
    match chance.choice(["kill", "crash", "stop", "stop", "pause", "unplug", "cut", "cut", "weather", "once", "once"]):
        case "kill":
            begin, end = Kill(name), Return(name)
        case "crash":
            begin, end = Crash(name), Return(name)
        case "stop":
            begin, end = Stop(name), Return(name)
        case "pause":
            begin, end = Pause(name), Resume(name, timers_first=chance.random() < 0.5)
        case "unplug":
            interface = chance.choice([None, host.routers[0].interface])
            begin, end = Unplug(name, interface), Plug(name, interface)
        case "cut":
            begin, end = _draw_cut(chance, hosts), Heal()
        case "weather":
            begin, end = _draw_weather(chance), Weather(jitter_s=chance.choice([0.0, 0.0005]))
        case _:
            begin, end = _draw_order(chance, host), None
    episode = [Timed(at_s, begin)]
    return episode if end is None else [*episode, Timed(at_s + for_s, end)]


def _draw_cut(chance: random.Random, hosts: tuple[HostPlan, ...]) -> Cut:
    names = [host.name for host in hosts]
    if chance.random() < 0.2:
        sender, receiver = chance.sample(names, 2)
        return Cut((frozenset({sender}), frozenset({receiver})), one_way=True)
    if chance.random() < 0.3:
        return Cut((frozenset({chance.choice(names)}),))
    chance.shuffle(names)
    at = chance.randint(1, len(names) - 1)
    sides = [set(names[:at]), set(names[at:])]
    if chance.random() < 0.7:
        chance.choice(sides).add(CLIENT)
    return Cut(tuple(map(frozenset, sides)))


def _draw_weather(chance: random.Random) -> Weather:
    return Weather(
        loss=chance.choice([0.02, 0.2, 0.5, 0.9]),
        duplication=chance.choice([0.0, 0.1]),
        jitter_s=chance.choice([0.0, 0.01, 0.3]),
    )


def _draw_order(chance: random.Random, host: HostPlan) -> Fault:
    match chance.choice(["failover", "reload", "reload", "clock"]):
        case "failover":
            return Failover(host.name)
        case "clock":
            return StepClock(host.name, chance.choice([-86400.0, -1.0, 3600.0]))
        case _:
            changed = _draw_reload(chance, host)
            return Reload(host.name, changed.config(), "changed.conf")


def _draw_reload(chance: random.Random, host: HostPlan) -> HostPlan:
    """Another priority, another interval where the version lets them differ, or one address more or less."""
    first = host.routers[0]
    match chance.choice(["priority", "interval", "address", "nothing"]):
        case "priority" if not host.is_group and first.priority != 255:
            first = replace(first, priority=chance.randint(1, 254))
        case "interval" if first.version == 3 and not host.is_group:
            first = replace(first, interval_s=chance.choice([0.5, 1, 2]))
        case "address":
            first = replace(first, excluded=("198.51.100.7",) if ":" not in first.addresses[0] else ("2001:db8:7::7",))
        case _:
            pass
    return replace(host, routers=(first, *host.routers[1:]))
