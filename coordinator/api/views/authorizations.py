"""Prior authorizations and their denials: lists, records, and every step that the pages have."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError

from coordinator.api import nouns, selectors
from coordinator.api.base import ApiView
from coordinator.api.fields import Visible
from coordinator.api.from_forms import asks
from coordinator.api.nouns import Noun, Part, Still, beside, of_row
from coordinator.api.schema import Problem
from coordinator.api.serializers import authorizations as shapes
from coordinator.api.serializers.patients import NoInput, WithReason
from coordinator.api.serializers.referrals import Assigned
from coordinator.api.steps import ApiStep, StepBook
from coordinator.exchange.request_views import saved_request
from coordinator.exchange.writing_pas import write_pas
from coordinator.exchange.writing_x12 import write_278
from referrals import services
from referrals.forms import authorization_acts as acts
from referrals.forms import denials as denial_forms
from referrals.models import (
    Appeal,
    AppealLetter,
    AuthorizationLine,
    AuthorizationPaper,
    Denial,
    PayerCall,
    PeerToPeer,
    PriorAuthorization,
    RequirementCheck,
)
from referrals.rules import authorizations as rules
from referrals.services.denial_records import REFUSED
from referrals.services.renewals import FOLLOWS
from referrals.workflow import IN_FORCE, OVER, WITH_PAYER
from referrals.workflow import AuthorizationStatus as S

KEY = "authorization_id"
BEFORE_DECISION = tuple(s for s in S.values if s not in rules.DECIDED)
NOT_ENDED = tuple(s for s in S.values if s not in rules.ENDED)
ASKED = (S.REQUIREMENT_UNKNOWN, S.NOT_REQUIRED, S.REQUIRED, S.GATHERING, S.READY)


def advance(step: str) -> Any:
    return lambda **call: services.advance_authorization(step=step, **call)


def _decided(service: Any) -> Any:
    """`decisions` as a service takes them: by number. A refusal keeps the payer's words, the line's or the header's."""

    def call(**given: Any) -> Still:
        said = {row.pop("line"): row for row in map(dict, given.pop("decisions"))}
        for row in said.values():
            row["reason"] = row.get("reason") or (
                given.get("reason", "") if row["decision"] == "denied" else ""
            )
            if row["decision"] == "denied" and not row["reason"]:
                raise ValidationError({"decisions": [_("Enter the payer's exact reason.")]})
        header = {name: value for name, value in given.items() if value not in (None, "")}
        service(decisions=said, **{"reason": "", **header})
        return Still(given[KEY])

    return call


def _continued(**given: Any) -> Any:
    return services.continue_authorization(**given | {"units": _units(given)} if "units" in given else given)


def _units(given: dict[str, Any]) -> dict[int, int]:
    return {row["line"]: row["units"] for row in given.pop("units", [])}


def _line(service: Any) -> Any:
    """`units` are what the request asks for."""

    def call(**given: Any) -> Any:
        return service(units_requested=given.pop("units"), **given)

    return call


def _act(form: Any, service: Any, at: tuple[str, ...], **more: Any) -> ApiStep:
    return ApiStep(asks(form, **more), beside(service, KEY), at=at)


def _of(service: Any, model: Any, name: str, key: str, **more: Any) -> Any:
    return of_row(service, model, name, parent=KEY, key=key, **more)


def _own_notice(**given: Any) -> Any:
    return services.record_denial(**selectors.own_papers(given, "notice", authorization=given[KEY]))


AUTHORIZATIONS = Noun(
    "authorizations",
    "Authorization",
    PriorAuthorization,
    row=shapes.ROW,
    more=shapes.MORE,
    parts={
        "lines": Part(
            AuthorizationLine, shapes.LINE, selectors.part(AuthorizationLine, "authorization", "number")
        ),
        "papers": Part(
            AuthorizationPaper, shapes.PAPER, selectors.part(AuthorizationPaper, "authorization", "id")
        ),
        "requirement_checks": Part(
            RequirementCheck,
            shapes.CHECK,
            selectors.part(RequirementCheck, "authorization", "-checked_at", "-id"),
        ),
        "calls": Part(
            PayerCall, shapes.CALL, selectors.part(PayerCall, "authorization", "-called_at", "-id")
        ),
    },
    facts=selectors.balance,
    fact_shapes={"balance": shapes.Balance(read_only=True, allow_null=True)},
    book=StepBook(
        "Authorization",
        KEY,
        PriorAuthorization.workflow,
        {
            "record_requirement": _act(acts.RequirementForm, services.record_requirement, ASKED),
            "requirement_in_error": ApiStep(
                shapes.AnswerInError,
                _of(services.enter_requirement_in_error, RequirementCheck, "requirement_check", "check_id"),
                at=NOT_ENDED,
            ),
            "add_line": ApiStep(shapes.LineAdded, beside(services.add_service_line, KEY), at=BEFORE_DECISION),
            "change_line": ApiStep(
                shapes.LineChanged,
                _of(_line(services.update_line), AuthorizationLine, "line", "line_id", by="number"),
                at=BEFORE_DECISION,
            ),
            "add_paper": _act(acts.PaperForm, services.add_paper, NOT_ENDED),
            "attach_paper": ApiStep(
                shapes.PaperAttached,
                _of(services.attach_paper, AuthorizationPaper, "paper", "paper_id"),
                at=NOT_ENDED,
            ),
            "detach_paper": ApiStep(
                shapes.OfPaper,
                _of(services.detach_paper, AuthorizationPaper, "paper", "paper_id"),
                at=NOT_ENDED,
            ),
            "drop_paper": ApiStep(
                shapes.PaperDropped,
                _of(services.drop_paper, AuthorizationPaper, "paper", "paper_id"),
                at=NOT_ENDED,
            ),
            "log_call": _act(acts.CallForm, services.record_call, tuple(S.values)),
            "call_in_error": ApiStep(
                shapes.CallInError,
                _of(services.enter_call_in_error, PayerCall, "call", "call_id"),
                at=tuple(S.values),
            ),
            "gather": ApiStep(NoInput, advance("gather")),
            "make_ready": ApiStep(NoInput, advance("make_ready"), at=(S.REQUIRED, S.GATHERING)),
            "submit": ApiStep(
                asks(acts.SubmitForm), advance("submit"), at=(S.REQUIRED, S.GATHERING, S.READY, S.RETURNED)
            ),
            "return": ApiStep(asks(acts.ReturnForm), advance("return")),
            "pend": ApiStep(asks(acts.PendForm), advance("pend")),
            "answer": _act(acts.AnswerForm, services.record_answer, (S.PENDED,)),
            "ask_to_contact": ApiStep(NoInput, advance("ask_to_contact")),
            "extend": _act(acts.ExtendForm, services.extend_decision, WITH_PAYER),
            "downgrade": _act(acts.DowngradeForm, services.downgrade_to_standard, WITH_PAYER),
            "decide": ApiStep(shapes.Decided, _decided(services.decide_lines), at=WITH_PAYER),
            "record_denial": ApiStep(
                shapes.DenialOfRequest, beside(_own_notice, KEY), at=(*WITH_PAYER, *REFUSED)
            ),
            "revise": ApiStep(shapes.Revised, _decided(services.revise_lines), at=IN_FORCE),
            "set_end": _act(acts.EndForm, services.set_end, IN_FORCE),
            "let_end": _act(acts.LetEndForm, services.let_end, (*IN_FORCE, *OVER)),
            "take_up_end": ApiStep(NoInput, services.take_up_end, at=(*IN_FORCE, *OVER)),
            "continue": ApiStep(
                shapes.Continued, _continued, at=tuple({s for at in FOLLOWS.values() for s in at})
            ),
            "back_date": ApiStep(asks(denial_forms.BackDatedForm), services.approve_back_dated, at=OVER),
            "withdraw": ApiStep(WithReason, advance("withdraw")),
            "cancel": ApiStep(WithReason, advance("cancel")),
            "record_payer_cancel": ApiStep(WithReason, advance("record_payer_cancel")),
            "assign": ApiStep(Assigned, services.assign_authorization, ("enter_in_error",)),
            "enter_in_error": ApiStep(WithReason, advance("enter_in_error")),
        },
    ),
)
AuthorizationList = nouns.list_view(
    AUTHORIZATIONS,
    "Prior authorizations of the client's sites, newest first.",
    filters=shapes.AuthorizationFilters,
    lookups={
        "site": "site", "patient": "patient", "payer": "payer", "referral": "referral", "owner": "owner",
        "status": "status__in", "urgency": "urgency__in", "kind": "kind__in", "due_before": "due_at__lt",
        "updated_since": "updated_at__gte",
    },
    write=shapes.AuthorizationWrite,
    create=services.request_authorization,
    about_new="Write a request, with its first line; the clinic's list answers whether it is needed. 409 with `similar`"
    " when this payer has one with the same code and dates that overlap.",
    has_guard=True,
)  # fmt: skip
AuthorizationDetail = nouns.detail_view(
    AUTHORIZATIONS,
    "One request with its lines, papers, answers whether it is needed, calls and units.",
    change=shapes.AuthorizationChange,
    update=services.correct_request,
    about_change="Correct what is asked, until the payer has decided.",
)
AuthorizationSteps = nouns.steps_view(
    AUTHORIZATIONS,
    "Take a step, or record what belongs to the request. Ready and submitted are refused while a required paper is"
    " missing, which is named.",
    makes="`continue`: the request that follows.",
)


LACKING = OpenApiResponse(
    Problem, description="The request lacks what a payer has to know; the sentence names it."
)


class RequestFile(ApiView):
    """Our request as a file."""

    access_rule = "api:referrals"
    resource = "referrals"


class RequestPas(RequestFile):
    @extend_schema(
        operation_id="authorizations_pas",
        responses={(200, "application/fhir+json"): OpenApiTypes.BINARY, 409: LACKING},
    )
    def get(self, request: Any, pk: Any) -> Any:
        """The request as a Da Vinci PAS bundle. 409 says what is missing. Who fetched it is recorded."""
        return saved_request(request, pk, write_pas, "json", "application/fhir+json")


class Request278(RequestFile):
    @extend_schema(
        operation_id="authorizations_278",
        responses={(200, "application/edi-x12"): OpenApiTypes.BINARY, 409: LACKING},
    )
    def get(self, request: Any, pk: Any) -> Any:
        """The request as X12 278. 409 says what is missing. Who fetched it is recorded."""
        return saved_request(request, pk, write_278, "278", "application/edi-x12")


# --- denials ---------------------------------------------------------------------------------------------------


def _granted(service: Any, model: Any, name: str, key: str) -> Any:
    def call(**given: Any) -> Any:
        return service(units=_units(given), **given)

    return of_row(call, model, name, parent="denial_id", key=key)


def _filed(**given: Any) -> Any:
    given = selectors.own_papers(given, "documents", denial=given["denial_id"])
    letter = given.get("letter")
    if letter is not None and letter.denial_id != given["denial_id"]:
        raise ValidationError({"letter": [Visible.default_error_messages["missing"]]})
    return services.file_appeal(**{"kind": Appeal.Kind.STANDARD, **given})


def _saved_letter(**given: Any) -> Any:
    """Its text was written elsewhere, so it cites no entry of the record beyond those of the version before."""
    return services.save_letter(cites=selectors.cited(given["denial_id"]), **given)


def _closed(*, denial_id: Any, **given: Any) -> Still:
    key = selectors.request_of(denial_id)
    services.advance_authorization(authorization_id=key, step="close_denied", **given)
    return Still(denial_id)


DENIED = "denial_id"
DENIALS = Noun(
    "denials",
    "Denial",
    Denial,
    row=shapes.DENIAL,
    parts={
        "talks": Part(PeerToPeer, shapes.TALK, selectors.part(PeerToPeer, "denial", "at")),
        "appeals": Part(Appeal, shapes.APPEAL, selectors.part(Appeal, "denial", "level")),
        "letters": Part(AppealLetter, shapes.LETTER, selectors.fit_letters),
    },
    book=StepBook(
        "Denial",
        DENIED,
        PriorAuthorization.workflow,
        {
            "plan_talk": ApiStep(
                asks(denial_forms.PeerToPeerForm, sources={"our_clinician": selectors.practitioners}),
                beside(services.plan_peer_to_peer, DENIED),
                at=REFUSED,
            ),
            "record_talk": ApiStep(
                shapes.TalkHeld,
                _granted(services.record_peer_to_peer, PeerToPeer, "talk", "talk_id"),
                at=REFUSED,
            ),
            "save_letter": ApiStep(shapes.LetterSaved, beside(_saved_letter, DENIED), at=NOT_ENDED),
            "file_appeal": ApiStep(shapes.AppealFiled, beside(_filed, DENIED), ("appeal",)),
            "record_outcome": ApiStep(
                shapes.AppealDecided,
                _granted(services.record_appeal_outcome, Appeal, "appeal", "appeal_id"),
                ("uphold",),
            ),
            "tick_paper": ApiStep(shapes.Ticked, beside(services.tick_paper, DENIED), at=NOT_ENDED),
            "close": ApiStep(WithReason, _closed, ("close_denied",)),
            "enter_in_error": ApiStep(
                WithReason, beside(services.enter_denial_in_error, DENIED), at=NOT_ENDED
            ),
        },
    ),
    stands_at="authorization__status",
)
DenialList = nouns.list_view(
    DENIALS,
    "Denials in the payers' own words, newest first. A new one is the step `record_denial` of its request.",
    filters=shapes.DenialFilters,
    lookups={
        "authorization": "authorization", "patient": "authorization__patient", "payer": "authorization__payer",
        "notice_since": "notice_on__gte", "updated_since": "updated_at__gte",
    },
)  # fmt: skip
DenialDetail = nouns.detail_view(DENIALS, "One denial with its talks, appeals and letters.")
DenialSteps = nouns.steps_view(
    DENIALS,
    "Peer-to-peer talks, letters, appeals and their outcome; the request takes the step that follows.",
)
