"""A timeline as a picture: SVG without scripts, fonts or anything else from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from vrrpd.config.model import counted
from vrrpd.simulation.drawing import tick_step_s
from vrrpd.simulation.timeline import NO_SERVICE, Lane, Moment, Timeline

WIDTH, MARGIN_LEFT, MARGIN_RIGHT = 1200, 210, 40
LANE_HEIGHT, BAR_HEIGHT, GAP = 34, 22, 18
HEAD = 84
LABEL_ROW_HEIGHT, LABEL_ROWS_MAX, LABEL_WIDTH_PER_LETTER = 17, 6, 6.6
OUTAGE_WIDTH_MIN = 2.0
"""However short an outage is, it is to be seen."""

STATE_COLOURS = {
    "MASTER": "#2f7d4f",
    "BACKUP": "#c9d8e6",
    "RELINQUISHING": "#8fc49f",
    "LISTENING": "#e3b341",
    "FAULT": "#b9770e",
    "paused": "#a79bc7",
    "crashed": "#7a5f5f",
    "stopped": "#e9e9e6",
    "off": "#f6f6f4",
    "INITIALIZE": "#e9e9e6",
}
HOST_COLOURS = ("#3b6ea5", "#b0642b", "#6b4f9e", "#2f8f8b", "#a13d63", "#6f7d1c", "#55606e", "#8a6d3b")
SEVERAL_COLOUR, OUTAGE_COLOUR, INK, FAINT = "#4a4a4a", "#d11f2f", "#22262b", "#6b737c"


def as_svg(timeline: Timeline) -> str:
    """The whole picture."""
    picture = _Picture(timeline)
    body = "\n".join(picture.draw())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {picture.height}" width="{WIDTH}" '
        f'height="{picture.height}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{picture.height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


class _Picture:
    """Draws from the top downwards; `_y` is how far it is."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._scale = (WIDTH - MARGIN_LEFT - MARGIN_RIGHT) / timeline.end_s
        letters = timeline.letters()
        self._host_colours = {name: HOST_COLOURS[number % len(HOST_COLOURS)] for number, name in enumerate(letters)}
        self._faults = [moment for moment in timeline.moments if moment.is_fault]
        self._rows = _label_rows(self._faults, self._x)
        self._lanes_from = HEAD + LABEL_ROW_HEIGHT * (1 + max(self._rows, default=0)) + 10
        lanes = len(timeline.state_lanes) + 2 * len(timeline.service_lanes)
        self._lanes_to = self._lanes_from + lanes * LANE_HEIGHT + GAP * len(timeline.service_lanes)
        self.height = self._lanes_to + 120
        self._y = float(self._lanes_from)

    def draw(self) -> Iterator[str]:
        """Every part, those behind first."""
        yield from self._title()
        yield from self._axis()
        yield from self._fault_labels()
        for lane in self._timeline.state_lanes.values():
            yield from self._lane(lane.title, lane, STATE_COLOURS)
        for (_, address), lane in self._timeline.service_lanes.items():
            self._y += GAP
            holders = self._timeline.holder_lanes[address]
            yield from self._lane(f"{address} held by", holders, self._host_colours, names=True)
            yield from self._service(f"{address} reached", lane)
        yield from self._legend()

    # -- parts ----------------------------------------------------------------------------------------------------------

    def _title(self) -> Iterator[str]:
        hosts = ", ".join(dict.fromkeys(host for host, _name in self._timeline.state_lanes))
        yield f'<text x="24" y="36" font-size="20" font-weight="600">{escape(hosts)}</text>'
        if not self._timeline.service_lanes:
            return
        totals = self._timeline.totals()
        outages = [total for total in totals if total.outages]
        worst = max((total.longest_s for total in totals), default=0.0)
        verdict = (
            f"{counted(sum(total.outages for total in totals), 'outage')}, the longest {worst:.3f} s"
            if outages
            else "no outage"
        )
        yield f'<text x="24" y="58" fill="{OUTAGE_COLOUR if outages else STATE_COLOURS["MASTER"]}">{verdict}</text>'

    def _axis(self) -> Iterator[str]:
        step_s = tick_step_s(self._timeline.end_s)
        for number in range(int(self._timeline.end_s / step_s) + 1):
            x = self._x(number * step_s)
            yield f'<line x1="{x:.1f}" y1="{self._lanes_from - 4}" x2="{x:.1f}" y2="{self._lanes_to}" stroke="#e4e7ea"/>'
            yield _text(x, self._lanes_to + 18, f"{number * step_s:g} s", anchor="middle", fill=FAINT)

    def _fault_labels(self) -> Iterator[str]:
        for fault, row in zip(self._faults, self._rows, strict=True):
            x, y = self._x(fault.at_s), HEAD + row * LABEL_ROW_HEIGHT
            yield f'<line x1="{x:.1f}" y1="{y + 3}" x2="{x:.1f}" y2="{self._lanes_to}" stroke="{INK}" stroke-dasharray="2 3"/>'
            at_the_right = x + _label_width(fault) > WIDTH - 8
            yield _text(x - 4 if at_the_right else x + 4, y, fault.text, anchor="end" if at_the_right else "start")

    def _lane(self, title: str, lane: Lane, colours: dict[str, str], *, names: bool = False) -> Iterator[str]:
        yield self._lane_title(title)
        for span in lane.spans:
            if span.what == NO_SERVICE:
                continue
            colour = colours.get(span.what, SEVERAL_COLOUR)
            x, width = self._x(span.begin_s), span.length_s * self._scale
            about = f"{span.what}: {span.begin_s:.3f} s to {span.end_s:.3f} s"
            yield _bar(x, self._y, width, colour, about)
            if names and width > LABEL_WIDTH_PER_LETTER * len(span.what) + 8:
                yield _text(x + 6, self._y + BAR_HEIGHT - 7, span.what, fill="#ffffff")
        self._y += LANE_HEIGHT

    def _service(self, title: str, lane: Lane) -> Iterator[str]:
        yield self._lane_title(title)
        middle = self._y + BAR_HEIGHT / 2
        for number, span in enumerate(lane.spans):
            x, width = self._x(span.begin_s), span.length_s * self._scale
            if span.what != NO_SERVICE:
                yield _bar(x, middle - 2, width, STATE_COLOURS["MASTER"], f"by {span.what}", height=4)
            elif number:
                about = f"outage: {span.begin_s:.3f} s to {span.end_s:.3f} s"
                yield _bar(x, self._y, max(OUTAGE_WIDTH_MIN, width), OUTAGE_COLOUR, about)
        yield from self._outage_labels(lane)
        self._y += LANE_HEIGHT

    def _outage_labels(self, lane: Lane) -> Iterator[str]:
        """In each bar, or behind it, or before it; a bar between others that leave no room says it when it is pointed at."""
        bars = [span for span in lane.spans[1:] if span.what == NO_SERVICE]
        ends = [self._x(span.end_s) for span in bars]
        begins = [self._x(span.begin_s) for span in bars]
        for number, (span, begin, end) in enumerate(zip(bars, begins, ends, strict=True)):
            label = f"{span.length_s:.3f} s"
            room = LABEL_WIDTH_PER_LETTER * len(label) + 8
            y = self._y + BAR_HEIGHT / 2 - 4
            if end - begin > room:
                yield _text(begin + 6, y + 8, label, fill="#ffffff")
            elif end + room < min([*begins[number + 1 :], WIDTH]):
                yield _text(end + 4, y, label, fill=OUTAGE_COLOUR)
            elif begin - room > max(ends[:number], default=0.0):
                yield _text(begin - 4, y, label, anchor="end", fill=OUTAGE_COLOUR)

    def _legend(self) -> Iterator[str]:
        used = {span.what for lane in self._timeline.state_lanes.values() for span in lane.spans}
        entries = [(colour, state) for state, colour in STATE_COLOURS.items() if state in used]
        entries += [(OUTAGE_COLOUR, "outage")] if self._timeline.service_lanes else []
        x = float(MARGIN_LEFT)
        for colour, name in entries:
            yield _bar(x, self._lanes_to + 46, 16, colour, name, height=12)
            yield _text(x + 22, self._lanes_to + 57, name)
            x += 22 + LABEL_WIDTH_PER_LETTER * len(name) + 26
        x = float(MARGIN_LEFT)
        for name, colour in self._host_colours.items():
            yield _bar(x, self._lanes_to + 72, 16, colour, name, height=12)
            yield _text(x + 22, self._lanes_to + 83, name)
            x += 22 + LABEL_WIDTH_PER_LETTER * len(name) + 26

    def _lane_title(self, title: str) -> str:
        return _text(MARGIN_LEFT - 12, self._y + BAR_HEIGHT - 7, title, anchor="end")

    def _x(self, at_s: float) -> float:
        return MARGIN_LEFT + at_s * self._scale


def _label_rows(faults: list[Moment], x_of: Callable[[float], float]) -> list[int]:
    """A row for each label, so that no two are one above the other; the last row takes what finds no place."""
    ends: list[float] = []
    rows = []
    for fault in faults:
        x = x_of(fault.at_s)
        row = next((number for number, end in enumerate(ends) if end < x), min(len(ends), LABEL_ROWS_MAX - 1))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = x + _label_width(fault)
        rows.append(row)
    return rows


def _label_width(fault: Moment) -> float:
    return LABEL_WIDTH_PER_LETTER * len(fault.text) + 12


def _bar(x: float, y: float, width: float, colour: str, about: str, height: float = BAR_HEIGHT) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:g}" rx="2" fill="{colour}">'
        f"<title>{escape(about)}</title></rect>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
