"""Plan-Net resources as entries of the directory. Pure: resources in; proposals, and what became of each resource, out.

An entry is an organization at a location. Services, affiliations and roles say which of these there are; a service
without a location is an entry of its own. Profiles: hl7.org/fhir/us/davinci-pdex-plan-net, 1.1.0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from coordinator.imports.directory import parts
from coordinator.imports.directory.files import Json, Parked, Resource
from referrals.rules.directory import is_npi

READ = (
    "Organization", "Location", "HealthcareService", "Practitioner", "PractitionerRole", "InsurancePlan",
    "OrganizationAffiliation",
)  # fmt: skip
KINDS = {"fac": "facility", "atyprv": "community"}


@dataclass
class Proposal:
    """One entry as the files describe it. Everything in it can stand in JSON."""

    key: str
    facts: dict[str, Any]
    networks: list[dict[str, Any]]
    clinicians: list[dict[str, str]]
    left_out: list[str]  # what was there and could not be used, in sentences


@dataclass(frozen=True)
class Became:
    """What one resource became."""

    resource: Resource
    reason: str = ""  # empty: it was read


@dataclass
class Place:
    """An organization at a location, and the resources that speak of it."""

    organization: str = ""
    location: str = ""
    services: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    networks: dict[str, tuple[str, str]] = field(default_factory=dict)  # network -> from, to
    specialties: list[str] = field(default_factory=list)


class Files:
    """The resources by key, and which of them were used."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.all: dict[str, Resource] = {}
        self.addresses: dict[str, str] = {}
        self.used: set[str] = set()
        self.refused: list[Became] = []
        for resource in resources:
            reason = self._refusal(resource)
            if reason:
                self.refused.append(Became(resource, reason))
                continue
            self.all[resource.key] = resource
            if resource.url:
                self.addresses[resource.url] = resource.key

    def _refusal(self, resource: Resource) -> str:
        if resource.kind == "Endpoint":
            return _("Addresses of computer systems are not kept.")
        if resource.kind not in READ:
            return _("This type is no part of the directory.")
        if resource.key in self.all:
            return _("It stands twice in these files; the first one counts.")
        if resource.body.get("active") is False or resource.body.get("status") in (
            "inactive",
            "retired",
            "suspended",
        ):
            return _("It says of itself that it is not in use.")
        return ""

    def of(self, kind: str) -> list[tuple[str, Json]]:
        return [(key, one.body) for key, one in self.all.items() if one.kind == kind]

    def body(self, key: str) -> Json:
        return self.all[key].body if key in self.all else {}

    def find(self, value: Any, kind: str) -> list[str]:
        """Keys of the resources of this kind that a reference, or a list of them, names and that are here."""
        found = []
        for reference in parts.references(value):
            key = self.addresses.get(reference) or "/".join(reference.rstrip("/").split("/")[-2:])
            if key.startswith(f"{kind}/") and key in self.all and key not in found:
                found.append(key)
        return found

    def use(self, *keys: str) -> None:
        self.used.update(key for key in keys if key)


def propose(resources: Iterable[Resource]) -> tuple[list[Proposal], list[Became]]:
    """Entries by key, and what became of every resource, in the order of the files."""
    resources = list(resources)
    files = Files(resources)
    places = _places(files)
    _join_networks(files, places)
    plans = _plans(files)
    twice = _names_that_stand_twice(files, places)
    proposals = [_proposal(files, key, place, plans, twice) for key, place in sorted(places.items())]
    refused = {id(one.resource): one for one in files.refused}
    became = [
        refused.get(id(one)) or Became(one, "" if one.key in files.used else _why_unused(files, one))
        for one in resources
    ]
    return proposals, became


def parked(became: Iterable[Became]) -> list[Parked]:
    return [
        Parked(one.resource.file, one.resource.place, one.resource.kind, one.resource.key, one.reason)
        for one in became
        if one.reason
    ]


# --- which entries there are ----------------------------------------------------------------------------


def _places(files: Files) -> dict[str, Place]:
    places: dict[str, Place] = {}

    def at(organization: str, location: str, alone: str = "") -> Place:
        key = "|".join(filter(None, (organization, location, alone)))[:250]
        return places.setdefault(key, Place(organization, location))

    for key, body in files.of("HealthcareService"):
        organization = next(iter(files.find(body.get("providedBy"), "Organization")), "")
        for location in files.find(body.get("location"), "Location") or [""]:
            place = at(organization, location, "" if location else key)
            place.services.append(key)
            place.specialties += parts.words(body.get("specialty"))
            files.use(key, organization, location)
    for _key, body in files.of("OrganizationAffiliation"):
        for organization in files.find(body.get("participatingOrganization"), "Organization"):
            for location in files.find(body.get("location"), "Location"):
                at(organization, location).specialties += parts.words(body.get("specialty"))
                files.use(organization, location)
    # Roles that say where come first: the others join what is there then, in whatever order the files are.
    roles = files.of("PractitionerRole")
    for key, body in sorted(
        roles, key=lambda role: not (role[1].get("organization") and role[1].get("location"))
    ):
        _join_role(files, places, key, body, at)
    return places


def _join_role(files: Files, places: dict[str, Place], key: str, body: Json, at: Any) -> None:
    """A role belongs to the organization at its locations; without both, to its services, then to the organization."""
    organization = next(iter(files.find(body.get("organization"), "Organization")), "")
    locations = files.find(body.get("location"), "Location")
    services = set(files.find(body.get("healthcareService"), "HealthcareService"))
    if organization and locations:
        mine = [at(organization, location) for location in locations]
    else:
        mine = [
            place
            for place in places.values()
            if services & set(place.services) and (not locations or place.location in locations)
        ]
        if not mine and organization and not services:
            mine = [place for place in places.values() if place.organization == organization]
    for place in mine:
        place.roles.append(key)
        place.specialties += parts.words(body.get("specialty"))
        files.use(
            key, place.organization, place.location, *files.find(body.get("practitioner"), "Practitioner")
        )
        for network in _role_networks(files, body):
            place.networks.setdefault(network, ("", ""))


def _role_networks(files: Files, body: Json) -> list[str]:
    named = [e.get("valueReference") for e in parts.extensions(body, "network-reference")]
    return files.find([one for one in named if isinstance(one, dict)], "Organization")


# --- networks and plans ---------------------------------------------------------------------------------


def _join_networks(files: Files, places: dict[str, Place]) -> None:
    for key, body in files.of("OrganizationAffiliation"):
        networks = files.find(body.get("network"), "Organization")
        members = files.find(body.get("participatingOrganization"), "Organization")
        locations = files.find(body.get("location"), "Location")
        services = set(files.find(body.get("healthcareService"), "HealthcareService"))
        period = body.get("period") if isinstance(body.get("period"), dict) else {}
        for place in places.values():
            here = place.organization in members and (
                place.location in locations
                if locations
                else not services or bool(services & set(place.services))
            )
            if here and networks:
                files.use(key)
                for network in networks:
                    place.networks[network] = (
                        parts.day_of(period.get("start")),
                        parts.day_of(period.get("end")),
                    )
    for key, body in files.of("HealthcareService"):
        for network in _role_networks(files, body):
            for place in places.values():
                if key in place.services:
                    place.networks.setdefault(network, ("", ""))


def _plans(files: Files) -> dict[str, list[tuple[str, str, str]]]:
    """Network -> payer's name, plan's name and key of each plan that uses it."""
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for key, body in files.of("InsurancePlan"):
        owner = next(iter(files.find(body.get("ownedBy"), "Organization")), "")
        payer = parts.line(files.body(owner).get("name"), 160)
        for network in files.find(body.get("network"), "Organization"):
            if payer:
                found[network].append((payer, parts.line(body.get("name"), 160), key))
    return found


def _network_rows(
    files: Files, place: Place, plans: dict[str, list[tuple[str, str, str]]]
) -> list[dict[str, Any]]:
    """One row for each payer, plan, network and first day, as the directory keeps them; of several the one that lasts."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for network, (start, end) in sorted(place.networks.items()):
        body = files.body(network)
        files.use(network)
        name = parts.line(body.get("name"), 160)
        owner = next(iter(files.find(body.get("partOf"), "Organization")), "")
        files.use(owner)
        own = plans.get(network) or [(parts.line(files.body(owner).get("name"), 160) or name, "", "")]
        for payer, plan, key in own:
            files.use(key, *files.find(files.body(key).get("ownedBy"), "Organization"))
            if payer:
                row = {"payer_name": payer, "plan_name": plan, "network_name": name, "participates": True}
                row |= {"starts_on": start or None, "ends_on": end if end and end >= start else None}
                there = rows.setdefault((payer, plan, name, start), row)
                there["ends_on"] = _last(there["ends_on"], row["ends_on"])
    return list(rows.values())


def _last(one: str | None, other: str | None) -> str | None:
    """The later last day; None, which has no end, is the latest."""
    return max(one, other) if one and other else None


# --- one entry ------------------------------------------------------------------------------------------


def _names_that_stand_twice(files: Files, places: dict[str, Place]) -> set[str]:
    names = [parts.line(files.body(place.organization).get("name"), 200) for place in places.values()]
    return {name for name in names if names.count(name) > 1}


def _name(files: Files, place: Place, twice: set[str]) -> str:
    own = parts.line(files.body(place.organization).get("name"), 200)
    there = parts.line(files.body(place.location).get("name"), 200)
    service = next(filter(None, (parts.line(files.body(key).get("name"), 200) for key in place.services)), "")
    people = [
        files.body(key)
        for role in place.roles
        for key in files.find(files.body(role).get("practitioner"), "Practitioner")
    ]
    if own and own in twice:
        more = there or service
        return f"{own}, {more}"[:200] if more and more != own else own
    person = parts.objects(people[0].get("name"))[:1] if people else []
    named = parts.line(person[0].get("text"), 160) if person else ""
    return own or there or service or named or next(iter(place.specialties), "")


def _proposal(files: Files, key: str, place: Place, plans: dict[str, Any], twice: set[str]) -> Proposal:
    organization, location = files.body(place.organization), files.body(place.location)
    services = [files.body(one) for one in place.services]
    roles = [files.body(one) for one in place.roles]
    people = [
        (role, files.body(who))
        for role in roles
        for who in files.find(role.get("practitioner"), "Practitioner")
    ]
    speaking = [*services, location, organization]
    left_out: list[str] = []
    contact = {}
    for name, system, words in (
        ("phone", "phone", _("A phone number is none of North America and was left out.")),
        ("fax", "fax", _("A fax number is none of North America and was left out.")),
        ("email", "email", _("An e-mail address cannot be used and was left out.")),
        ("portal", "url", _("A web address cannot be used and was left out.")),
    ):
        contact[name], spoiled = parts.telecom(speaking, system)
        left_out += [words] if spoiled and not contact[name] else []
    npi = parts.number_of(organization)
    if npi and not is_npi(npi):
        left_out.append(_("An NPI fails its check digit and was left out."))
    kind = next(
        (KINDS[code] for code in sorted(parts.codes(organization.get("type"))) if code in KINDS), "practice"
    )
    facts = {
        "name": _name(files, place, twice) or key[:200],
        "kind": kind,
        "specialties": list(dict.fromkeys(place.specialties))[:40],
        "npi": npi if is_npi(npi) else "",
        **parts.address_of([location, organization]),
        **contact,
        "languages": parts.languages_of([*services, *(who for _role, who in people)]),
        "accepting": parts.accepting_of([*services, location, *roles]),
    }
    clinicians = _clinicians(people, left_out)
    return Proposal(key, facts, _network_rows(files, place, plans), clinicians, list(dict.fromkeys(left_out)))


def _clinicians(people: list[tuple[Json, Json]], left_out: list[str]) -> list[dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for role, who in people:
        names = parts.objects(who.get("name"))[:1]
        given = names[0].get("given") if names else None
        full = " ".join(one for one in (given if isinstance(given, list) else []) if isinstance(one, str))
        name = (
            parts.line(names[0].get("text"), 160) or parts.line(f"{full} {names[0].get('family') or ''}", 160)
            if names
            else ""
        )
        npi = parts.number_of(who)
        if npi and not is_npi(npi):
            left_out.append(_("A clinician’s NPI fails its check digit and was left out."))
            npi = ""
        if name:
            specialty = next(iter(parts.words(role.get("specialty"))), "")
            found.setdefault((name, npi), {"name": name, "npi": npi, "specialty": specialty})
    return list(found.values())


def _why_unused(files: Files, resource: Resource) -> str:
    body = resource.body
    if resource.kind == "Organization":
        codes = parts.codes(body.get("type"))
        if "ntwk" in codes:
            return _("No practice of these files takes part in this network.")
        if "payer" in codes:
            return _("No practice of these files takes part in a network of this payer.")
        return _("It offers no service of these files.")
    if resource.kind == "Location" and not any(_street_or_city(body)):
        return _("An area, not a place where patients are seen.")
    if resource.kind == "OrganizationAffiliation" and not files.find(body.get("network"), "Organization"):
        return _("It names no network.")
    return {
        "Location": _("No service, affiliation or role of these files names this place."),
        "Practitioner": _("No role of these files says where this person works."),
        "PractitionerRole": _("It names no service or place of these files."),
        "InsurancePlan": _("No practice of these files takes part in a network of this plan."),
        "OrganizationAffiliation": _("It names no service or place of these files."),
    }.get(resource.kind, _("Nothing in these files leads to it."))


def _street_or_city(body: Json) -> tuple[str, str, str]:
    found = parts.address_of([body])
    return found["address_line"], found["city"], found["postal_code"]
