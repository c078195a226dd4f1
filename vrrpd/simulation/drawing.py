"""A timeline as text, for a terminal."""

from vrrpd.simulation.timeline import Timeline


def as_text(timeline: Timeline) -> str:
    return "\n".join(f"{m.at_s:12.6f} {m.who:8} {m.text}" for m in timeline.moments)
