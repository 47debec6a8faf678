"""In which time zones somebody may be when nobody wrote it down. Pure data."""

from __future__ import annotations

from functools import cache, lru_cache
from zoneinfo import available_timezones

EASTERN, CENTRAL = "America/New_York", "America/Chicago"
MOUNTAIN, PACIFIC = "America/Denver", "America/Los_Angeles"
ALASKA, HAWAII, ATLANTIC = "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico"
PHOENIX = "America/Phoenix"

# US states and territories: every zone that part of them keeps.
STATES: dict[str, tuple[str, ...]] = {
    "AL": (CENTRAL,),
    "AK": (ALASKA, "America/Adak"),
    "AZ": (PHOENIX, MOUNTAIN),
    "AR": (CENTRAL,),
    "CA": (PACIFIC,),
    "CO": (MOUNTAIN,),
    "CT": (EASTERN,),
    "DE": (EASTERN,),
    "DC": (EASTERN,),
    "FL": (EASTERN, CENTRAL),
    "GA": (EASTERN,),
    "GU": ("Pacific/Guam",),
    "HI": (HAWAII,),
    "ID": (MOUNTAIN, PACIFIC),
    "IL": (CENTRAL,),
    "IN": (EASTERN, CENTRAL),
    "IA": (CENTRAL,),
    "KS": (CENTRAL, MOUNTAIN),
    "KY": (EASTERN, CENTRAL),
    "LA": (CENTRAL,),
    "ME": (EASTERN,),
    "MD": (EASTERN,),
    "MA": (EASTERN,),
    "MI": (EASTERN, CENTRAL),
    "MN": (CENTRAL,),
    "MS": (CENTRAL,),
    "MO": (CENTRAL,),
    "MT": (MOUNTAIN,),
    "NE": (CENTRAL, MOUNTAIN),
    "NV": (PACIFIC, MOUNTAIN),
    "NH": (EASTERN,),
    "NJ": (EASTERN,),
    "NM": (MOUNTAIN,),
    "NY": (EASTERN,),
    "NC": (EASTERN,),
    "ND": (CENTRAL, MOUNTAIN),
    "OH": (EASTERN,),
    "OK": (CENTRAL,),
    "OR": (PACIFIC, MOUNTAIN),
    "PA": (EASTERN,),
    "PR": (ATLANTIC,),
    "RI": (EASTERN,),
    "SC": (EASTERN,),
    "SD": (CENTRAL, MOUNTAIN),
    "TN": (CENTRAL, EASTERN),
    "TX": (CENTRAL, MOUNTAIN),
    "UT": (MOUNTAIN,),
    "VT": (EASTERN,),
    "VA": (EASTERN,),
    "VI": (ATLANTIC,),
    "WA": (PACIFIC,),
    "WV": (EASTERN,),
    "WI": (CENTRAL,),
    "WY": (MOUNTAIN,),
}
NAMES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "guam": "GU", "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
    "kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
    "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
    "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
    "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "puerto rico": "PR",
    "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX",
    "utah": "UT", "vermont": "VT", "virginia": "VA", "virgin islands": "VI", "washington": "WA",
    "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
}  # fmt: skip


@lru_cache(maxsize=4096)
def recipient_zones(own: str, site: str, state: str = "") -> tuple[str, ...]:
    """Zones in which an hour must be allowed before a message may go.

    The patient's own zone when it is recorded. Else the site's; and when the address lies in a US state that does not
    keep the site's zone, that state's zones as well: the narrowest hours that are safe for all of them.
    """
    if own in _known():
        return (own,)
    code = state.strip().upper()
    zones = STATES.get(code) or STATES.get(NAMES.get(state.strip().lower(), ""), ())
    if site in zones:
        return (site,)
    return (site, *zones)


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
