"""Da Vinci PAS (prior authorization support) files: Claim requests and ClaimResponse answers, in both styles.

A decision is a review action (an extension of an adjudication) or a disposition text of the known words.
`ClaimResponse.outcome` says that the answer was made, never what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from coordinator.exchange.messages import (
    MAX_UNITS,
    Answer,
    LineDecision,
    Message,
    Rejection,
    Request,
    RequestedService,
    action_decision,
    checked,
)
from coordinator.exchange.nodes import Node
from coordinator.fhir.problems import Unreadable
from referrals.rules.authorizations import step_for

# Whole dispositions only, in lower case: a word inside a sentence decides nothing.
DISPOSITIONS = {
    "granted": "approved",
    "approved": "approved",
    "certified": "approved",
    "certified in total": "approved",
    "denied": "denied",
    "not certified": "denied",
    "pending": "pended",
    "pended": "pended",
    "modified": "modified",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "contact payer": "contact_payer",
}
PARTIAL = ("partial", "partially approved", "partially granted", "certified - partial")
NOT_DECIDED = ("cancelled", "draft", "entered-in-error")
# Named in a reason when a file is one of them; any other word could be somebody's data.
NAMED = frozenset(
    [
        "Appointment",
        "Bundle",
        "CommunicationRequest",
        "Communication",
        "Condition",
        "Coverage",
        "CoverageEligibilityResponse",
        "DeviceRequest",
        "DocumentReference",
        "Encounter",
        "ExplanationOfBenefit",
        "Goal",
        "Location",
        "MedicationRequest",
        "NutritionOrder",
        "Observation",
        "OperationOutcome",
        "Organization",
        "Parameters",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Procedure",
        "Questionnaire",
        "QuestionnaireResponse",
        "ServiceRequest",
        "Task",
    ]
)
ASKS = ("Task", "CommunicationRequest", "Communication")
TRACE = "extension-itemTraceNumber"


def read_pas(root: Node) -> list[Message]:
    """Every answer of the file; its requests when it holds no answer. Raises Unreadable with the reason."""
    kind = root.text("resourceType", 60) if isinstance(root.value, dict) else ""
    if not kind:
        raise Unreadable("is no FHIR resource", root.path or "the file")
    resources = list(_resources(root)) if kind == "Bundle" else [root]
    answers = [r for r in resources if r.text("resourceType", 60) == "ClaimResponse"]
    if answers:
        member = _identifier(resources, "Patient", "MB") or _identifier(resources, "Coverage", "MB")
        return [replace(_answer(resource), member_id=member) for resource in answers]
    requests = [r for r in resources if r.text("resourceType", 60) == "Claim"]
    if requests:
        return [_request(resource, resources) for resource in requests]
    named = kind if kind in NAMED else "another resource"
    asks = " It may ask for papers: read it and answer by hand." if kind in ASKS else ""
    raise Unreadable(f"holds no ClaimResponse ({named}), so no decision.{asks}", "resourceType")


def _resources(bundle: Node) -> Iterator[Node]:
    for entry in bundle.each("entry"):
        resource = entry.get("resource")
        if resource is not None:
            yield resource


# --- answers ------------------------------------------------------------------------------------------


def _answer(r: Node) -> Answer:
    if r.text("use", 30) != "preauthorization":
        raise Unreadable("is no answer to a prior authorization", f"{r.path}.use".lstrip("."))
    if r.text("status", 30) in NOT_DECIDED or not r.text("status", 30):
        raise Unreadable(
            "is not active: it is a draft, cancelled or an error", f"{r.path}.status".lstrip(".")
        )
    rejections = tuple(_rejections(r))
    items = [_line(item) for item in r.each("item")]
    sequences = [line.sequence for line in items]
    if len(set(sequences)) != len(sequences):
        raise Unreadable("answers one line twice", f"{r.path}.item".lstrip("."))
    event = _event(r)
    reviewed = event.decision or any(line.decision for line in items)
    event, items = _with_disposition(r, event, items)
    found = Answer(
        "pas",
        "review_action" if reviewed else "disposition" if event.decision else "rejection",
        _references(r, items),
        event if event.decision else None,
        tuple(items),
        rejections,
        r.text("outcome", 20) not in ("queued", "partial"),
    )
    if not found.decisions() and not rejections:
        raise Unreadable("says its outcome and no decision", f"{r.path}.outcome".lstrip("."))
    return found


def _rejections(r: Node) -> Iterator[Rejection]:
    found = False
    for error in r.each("error"):
        found = True
        follow_up = [
            c
            for e in error.extensions("extension-errorFollowupAction")
            for c in e.codes("valueCodeableConcept")
        ]
        codes = error.codes("code") or ["error"]
        yield Rejection(error.path, codes[0][:60], (follow_up or [""])[0][:10])
    if not found and r.text("outcome", 20) == "error":
        yield Rejection(f"{r.path}.outcome".lstrip("."), "error")


def _event(r: Node) -> LineDecision:
    """What the answer says of the request as a whole."""
    period = r.get("preAuthPeriod")
    whole = LineDecision(
        place=r.path or "ClaimResponse",
        level="event",
        number=r.text("preAuthRef", 60),
        starts_on=period.day("start") if period else None,
        ends_on=period.day("end") if period else None,
        reasons=tuple(_notes(r)),
    )
    return checked(_reviewed(whole, [*r.each("adjudication"), r]))


def _notes(r: Node) -> Iterator[str]:
    for note in r.each("processNote"):
        if note.text("text", 2000):
            yield note.text("text", 2000)


def _line(item: Node) -> LineDecision:
    sequence = item.whole("itemSequence", 999)
    if sequence is None:
        raise Unreadable("has no itemSequence", item.path)
    line = LineDecision(place=item.path, sequence=sequence)
    for extension in item.extensions("extension-itemPreAuthPeriod"):
        period = extension.get("valuePeriod")
        if period is not None:
            line = replace(line, starts_on=period.day("start"), ends_on=period.day("end"))
    for extension in item.extensions("extension-itemAuthorizedDetail"):
        line = _with_detail(line, extension)
    for extension in item.extensions(TRACE):
        identifier = extension.get("valueIdentifier")
        line = replace(line, trace=identifier.text("value", 60) if identifier else "")
    for extension in item.extensions("extension-administrationReferenceNumber"):
        line = replace(line, reference=extension.text("valueString", 60))
    for extension in item.extensions("extension-authorizationNumber"):
        line = replace(line, number=extension.text("valueString", 60))
    return checked(_reviewed(line, list(item.each("adjudication"))))


def _with_detail(line: LineDecision, extension: Node) -> LineDecision:
    for part in extension.extensions("productOrServiceCode"):
        line = replace(line, service_code=(part.codes("valueCodeableConcept") or [""])[0])
    for part in extension.extensions("quantity"):
        quantity = part.get("valueQuantity")
        if quantity is not None:
            units = quantity.whole("value", MAX_UNITS)
            line = replace(line, units=units, unit_kind=quantity.text("unit", 20) or "unit")
    return line


def _reviewed(line: LineDecision, holders: list[Node]) -> LineDecision:
    """With the review action of its adjudications. Two different ones for one line are refused."""
    for holder in holders:
        for action in holder.extensions("extension-reviewAction"):
            codes = [
                c
                for part in action.extensions("extension-reviewActionCode", "code")
                for c in part.codes("valueCodeableConcept")
            ]
            if not codes:
                raise Unreadable("is a review action without its code", action.path)
            decision = action_decision(codes[0], action.path)
            if line.decision and line.decision != decision:
                raise Unreadable("decides one line in two ways", action.path)
            numbers = [part.text("valueString", 60) for part in action.extensions("number")]
            reasons = [
                c for part in action.extensions("reasonCode") for c in part.codes("valueCodeableConcept")
            ]
            line = replace(
                line,
                action=codes[0],
                decision=decision,
                number=next((n for n in numbers if n), line.number),
                reasons=tuple(dict.fromkeys([*line.reasons, *reasons])),
            )
    return line


def _with_disposition(
    r: Node, event: LineDecision, items: list[LineDecision]
) -> tuple[LineDecision, list[LineDecision]]:
    """The second style. Where both styles are used they have to agree."""
    said = r.text("disposition", 2000)
    decided = [line.decision for line in [event, *items] if line.decision]
    word = said.lower().rstrip(".!")
    place = f"{r.path}.disposition".lstrip(".")
    if not decided:
        if word in PARTIAL:
            raise Unreadable("says that a part is approved and not which", place)
        if word not in DISPOSITIONS:
            if said and not list(r.each("error")) and r.text("outcome", 20) != "error":
                raise Unreadable("is no disposition that is known; it has to be read by a person", place)
            return event, items
        return replace(event, decision=DISPOSITIONS[word]), items
    if word in DISPOSITIONS and word not in PARTIAL:
        meant, found = step_for([DISPOSITIONS[word]]), step_for(decided)
        if DISPOSITIONS[word] not in decided or meant != found:
            raise Unreadable("and the review action say different things", place)
    return event, items


def _references(r: Node, items: list[LineDecision]) -> tuple[str, ...]:
    """Numbers we gave: the trace of the request, the request's identifier, the lines' own."""
    found = [i.text("value", 60) for i in r.each("identifier")]
    request = r.get("request")
    identifier = request.get("identifier") if request else None
    if identifier is not None:
        found.append(identifier.text("value", 60))
    found += [line.trace for line in items]
    return tuple(dict.fromkeys(value for value in found if value))


# --- requests -----------------------------------------------------------------------------------------


def _request(r: Node, resources: list[Node]) -> Request:
    items = list(r.each("item"))
    first = items[0] if items else None
    return Request(
        kind="pas",
        purpose="request",
        references=tuple(i.text("value", 60) for i in r.each("identifier") if i.text("value", 60)),
        review_type=_item_code(first, "extension-serviceItemRequestType"),
        certification=_item_code(first, "extension-certificationType"),
        member_id=_identifier(resources, "Patient", "MB") or _identifier(resources, "Coverage", "MB"),
        requester_npi=_identifier(resources, "Practitioner", "us-npi")
        or _identifier(resources, "Organization", "us-npi"),
        diagnoses=tuple(c for d in r.each("diagnosis") for c in d.codes("diagnosisCodeableConcept")),
        services=tuple(_requested(item) for item in items),
    )


def _item_code(item: Node | None, name: str) -> str:
    found = [c for e in item.extensions(name) for c in e.codes("valueCodeableConcept")] if item else []
    return found[0] if found else ""


def _requested(item: Node) -> RequestedService:
    quantity = item.get("quantity")
    traces = [e.get("valueIdentifier") for e in item.extensions(TRACE)]
    return RequestedService(
        code=(item.codes("productOrService") or [""])[0],
        units=quantity.whole("value", MAX_UNITS) if quantity else None,
        unit_kind=quantity.text("unit", 20) if quantity else "",
        trace=next((t.text("value", 60) for t in traces if t), ""),
    )


def _identifier(resources: list[Node], kind: str, of: str) -> str:
    """A number of the first resource of a kind: by its type's code, or by its system."""
    for resource in resources:
        if resource.text("resourceType", 60) != kind:
            continue
        for identifier in resource.each("identifier"):
            if of in identifier.codes("type") or of in identifier.text("system"):
                return identifier.text("value", 60)
    return ""
