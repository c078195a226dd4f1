"""A timeline as text, for a terminal: lanes of blocks, what happened with its causes, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vrrpd.simulation.timeline import NO_SERVICE, Lane, Moment, Timeline

STATE_MARKS = {
    "MASTER": "█",
    "BACKUP": "·",
    "RELINQUISHING": "▓",
    "LISTENING": "▒",
    "FAULT": "x",
    "paused": "=",
    "crashed": "!",
    "stopped": "-",
    "off": " ",
    "INITIALIZE": "-",
}
SERVED, UNSERVED, SEVERAL = "━", "▚", "*"
LANE_COLUMNS_MIN = 20
TICKS_MAX = 8
TICK_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400)

Marks = Callable[[float, float], str]
"""The mark of a cell, which is a time from when to when."""


def as_text(timeline: Timeline, columns: int = 100) -> str:
    """The whole picture. What clients saw is left out where nobody knows it."""
    costs = ["", *_costs(timeline)] if timeline.service_lanes else []
    parts = [*_lanes(timeline, columns), "", *_events(timeline), *costs]
    return "\n".join(line.rstrip() for line in parts)


def tick_step_s(duration_s: float) -> float:
    """Seconds between two marks of the time axis."""
    return next((float(step_s) for step_s in TICK_STEPS_S if duration_s / step_s <= TICKS_MAX), duration_s)


# -- lanes --------------------------------------------------------------------------------------------------------------


def _lanes(timeline: Timeline, columns: int) -> Iterator[str]:
    rows = [(lane.title, _cells_of_states(lane)) for lane in timeline.state_lanes.values()]
    letters = timeline.letters()
    for (segment, address), lane in timeline.service_lanes.items():
        where = f" on {segment}" if len({name for name, _ in timeline.service_lanes}) > 1 else ""
        rows.append((f"{address}{where} held by", _cells_of_holders(timeline.holder_lanes[address], letters)))
        rows.append((f"{address}{where} reached", _cells_of_service(lane)))
    margin = max(len(title) for title, _ in rows) + 2
    width = max(LANE_COLUMNS_MIN, columns - margin)
    cell_s = timeline.end_s / width
    for title, marks in rows:
        yield f"{title:{margin}}" + "".join(marks(cell * cell_s, (cell + 1) * cell_s) for cell in range(width))
    yield " " * margin + _axis(timeline.end_s, width)
    yield " " * margin + _fault_marks(timeline, width)
    used = {span.what for lane in timeline.state_lanes.values() for span in lane.spans}
    legend = [f"{mark} {state}" for state, mark in STATE_MARKS.items() if state in used and mark.strip()]
    hosts = [f"{letter} {name}" for name, letter in letters.items()]
    yield ""
    if not timeline.service_lanes:
        yield f"{'   '.join(legend)}   ^ event"
        return
    yield f"{'   '.join(legend)}   {SERVED} reached   {UNSERVED} outage   ^ event"
    yield f"{'   '.join(hosts)}   {SEVERAL} several   - nobody"


def _cells_of_states(lane: Lane) -> Marks:
    """The mark of the state that fills most of a cell."""
    return lambda begin_s, end_s: STATE_MARKS[_longest(lane, begin_s, end_s)]


def _cells_of_holders(lane: Lane, letters: dict[str, str]) -> Marks:
    """The letter of the host that has the address for most of a cell."""

    def mark(begin_s: float, end_s: float) -> str:
        holders = _longest(lane, begin_s, end_s)
        return "-" if holders == NO_SERVICE else letters.get(holders, SEVERAL)

    return mark


def _cells_of_service(lane: Lane) -> Marks:
    """An outage is shown however short it is; nothing, before the address is reached for the first time."""
    first = lane.spans[0]

    def mark(begin_s: float, end_s: float) -> str:
        spans = [span for span in lane.spans if span.begin_s < end_s and span.end_s > begin_s]
        if spans == [first] and first.what == NO_SERVICE:
            return " "
        return UNSERVED if any(span.what == NO_SERVICE and span is not first for span in spans) else SERVED

    return mark


def _longest(lane: Lane, begin_s: float, end_s: float) -> str:
    overlaps = [(min(span.end_s, end_s) - max(span.begin_s, begin_s), span.what) for span in lane.spans]
    return max(overlaps, key=lambda each: each[0])[1]


def _axis(duration_s: float, width: int) -> str:
    line = [" "] * (width + 8)
    step_s = tick_step_s(duration_s)
    for number in range(int(duration_s / step_s) + 1):
        column = min(width - 1, int(number * step_s / duration_s * width))
        for offset, letter in enumerate(f"|{number * step_s:g}s"):
            line[column + offset] = letter
    return "".join(line)


def _fault_marks(timeline: Timeline, width: int) -> str:
    line = [" "] * width
    for moment in timeline.moments:
        if moment.is_fault:
            line[min(width - 1, int(moment.at_s / timeline.end_s * width))] = "^"
    return "".join(line)


# -- tables -------------------------------------------------------------------------------------------------------------


def _events(timeline: Timeline) -> Iterator[str]:
    yield "Events"
    width = max((len(moment.who) for moment in timeline.moments), default=0)
    for moment in timeline.moments:
        yield f"{moment.at_s:11.3f} s  {_arrow(moment)} {moment.who:{width}}  {moment.text}"


def _arrow(moment: Moment) -> str:
    return "^" if moment.is_fault else " "


def _costs(timeline: Timeline) -> Iterator[str]:
    after = timeline.after_each_fault()
    if after:
        yield "Longest outage after each event"
        for fault, length_s in after:
            yield f"{fault.at_s:11.3f} s  {_seconds(length_s):>9}  {fault.text}"
        yield ""
    yield from _table(
        ("Address", "outages", "longest", "sum"),
        [
            (str(total.address), str(total.outages), _seconds(total.longest_s), _seconds(total.sum_s))
            for total in timeline.totals()
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        first, *others = (
            f"{cell:{width}}" if not column else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *others))


def _seconds(length_s: float) -> str:
    return f"{length_s:.3f} s"
