"""Documents: kept with their facts, refused in words, changed, linked, entered in error, taken back; handed out safely."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from coordinator.accounts.roles import Role
from coordinator.audit.models import AuditEvent
from coordinator.db import Conflict
from coordinator.tests.factories import make_site, make_user
from coordinator.workflow import NotAllowed
from patients import services
from patients.models import Document, DocumentLink
from patients.tests.factories import make_document, make_patient, restrict
from patients.tests.files import make_pdf, make_picture, upload
from referrals.tests.factories import make_referral

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 18, 16, 0, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 1)


@pytest.fixture
def dana(client):
    user = make_user(site=make_site())
    client.force_login(user)
    return user


@pytest.fixture
def elena(dana):
    return make_patient(site=dana.sites.get())


def add(elena, dana, *files, **facts):
    facts = {"kind": "report", **facts}
    files = files or (upload("report.pdf", make_pdf("Ejection fraction")),)
    return services.add_documents(patient_id=elena.pk, files=files, by=dana, now=NOW, **facts)


def stored() -> int:
    folder = Path(Document._meta.get_field("file").storage.location) / "documents"
    return len(list(folder.iterdir())) if folder.exists() else 0


# --- adding -------------------------------------------------------------------------------------------------


def test_a_document_is_kept_with_its_facts_under_a_name_of_ours(elena, dana):
    (document,) = add(
        elena, dana, title="Echo", tags=["Cardiology", "cardiology", "signed"], received_on=DAY, source="Fax"
    )
    document.refresh_from_db()
    assert (document.title, document.tags, document.source) == ("Echo", ["Cardiology", "signed"], "Fax")
    assert (document.file_name, document.content_type) == ("report.pdf", "application/pdf")
    assert "report" not in document.file.name
    assert "static" not in document.file.path
    assert stat.S_IMODE(Path(document.file.path).stat().st_mode) == 0o600
    assert document.preview == "pending"
    change = document.changes.get()
    assert (change.step, change.by) == ("create", dana)
    event = AuditEvent.objects.get(entity="patients.document", action="create")
    assert (event.patient_id, event.site_id) == (elena.pk, elena.site_id)
    assert "Echo" not in str(event.details)


def test_several_files_take_the_facts_and_their_own_names(elena, dana):
    made = add(elena, dana, upload("a.pdf", make_pdf("A")), upload("b.png", make_picture()), title="Both")
    assert [document.title for document in made] == ["a.pdf", "b.png"]
    assert {document.kind for document in made} == {"report"}


def test_one_bad_file_keeps_all_out(elena, dana):
    before = stored()
    with pytest.raises(ValidationError) as refusal:
        add(elena, dana, upload("a.pdf", make_pdf("A")), upload("b.pdf", b"<html>"), upload("c.txt", b""))
    assert len(refusal.value.message_dict["files"]) == 2
    assert not Document.objects.exists()
    assert stored() == before


def test_the_same_file_again_leads_to_the_one_that_is_there(elena, dana):
    (first,) = add(elena, dana, title="Echo")
    before = stored()
    with pytest.raises(Conflict, match="already, as “Echo”") as refusal:
        add(elena, dana, title="Another")
    assert refusal.value.extra["existing"]["pk"] == str(first.pk)
    assert stored() == before
    other = make_patient(site=elena.site)
    assert add(other, dana)  # somebody else's copy is nobody's business
    services.enter_document_in_error(document_id=first.pk, reason="Wrong person", by=dana, now=NOW)
    assert add(elena, dana)


def test_the_same_file_chosen_twice_is_refused(elena, dana):
    with pytest.raises(ValidationError, match="chosen twice"):
        add(elena, dana, upload("a.pdf", make_pdf("A")), upload("b.pdf", make_pdf("A")))


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"kind": ""}, "kind"),
        ({"title": "x" * 251}, "title"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": [f"tag {n}" for n in range(11)]}, "tags"),
        ({"tags": ["a\x00b"]}, "tags"),
        ({"received_on": DAY, "expires_on": DAY - datetime.timedelta(days=1)}, "expires_on"),
    ],
)
def test_facts_that_cannot_be_are_refused_at_their_field(elena, dana, facts, field):
    with pytest.raises(ValidationError) as refusal:
        add(elena, dana, **facts)
    assert list(refusal.value.message_dict) == [field]


def test_a_file_whose_row_cannot_be_saved_does_not_stay(elena, dana, monkeypatch):
    before = stored()
    monkeypatch.setattr("patients.services.documents.begin", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        add(elena, dana)
    assert stored() == before


def test_only_who_may_change_the_record_adds(elena, dana):
    for user in (make_user(Role.PROVIDER, site=elena.site), make_user(site=make_site())):
        with pytest.raises(PermissionDenied):
            add(elena, user)


# --- the form -----------------------------------------------------------------------------------------------


def new(patient) -> str:
    return reverse("patients:document_new", args=[patient.pk])


def send(client, elena, *files, **facts):
    facts = {"kind": "report", "title": "Echo", "tags": "signed, cardiology", "source": "Fax", **facts}
    return client.post(new(elena), {**facts, "files": list(files)})


def test_the_form_keeps_several_files(client, elena):
    answer = send(client, elena, upload("a.pdf", make_pdf("A")), upload("b.png", make_picture()))
    assert answer.url == reverse("dashboard:patient_documents", args=[elena.pk])
    assert [d.tags for d in Document.objects.all()] == [["signed", "cardiology"]] * 2


def test_a_bad_file_costs_nobody_what_they_typed(client, elena):
    answer = send(client, elena, upload("scan.pdf", b"<html><script>", "application/pdf"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“scan.pdf” is none of these" in page
    assert all(f'value="{typed}"' in page for typed in ("Echo", "signed, cardiology", "Fax"))
    assert not Document.objects.exists()


def test_no_file_at_all_is_asked_for(client, elena):
    answer = send(client, elena)
    assert answer.status_code == 422
    assert "Choose a file." in answer.content.decode()


def test_the_same_file_is_answered_with_the_way_to_it(client, elena):
    send(client, elena, upload("a.pdf", make_pdf("A")))
    answer = send(client, elena, upload("b.pdf", make_pdf("A")))
    document = Document.objects.get()
    assert answer.status_code == 422
    assert reverse("dashboard:document", args=[document.pk]) in answer.content.decode()


def test_a_name_with_markup_is_shown_as_text(client, elena):
    answer = send(client, elena, upload("<img src=x>.pdf", make_pdf("A")), title="")
    page = client.get(answer.url).content.decode()
    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;.pdf" in page


def test_a_file_that_is_too_large_is_dropped_while_it_arrives(client, elena, settings, monkeypatch):
    settings.DOCUMENT_MAX_BYTES = 1024 * 1024
    written = []
    real = "django.core.files.uploadhandler.TemporaryFileUploadHandler.receive_data_chunk"
    monkeypatch.setattr(real, lambda self, raw, start: written.append(len(raw)))
    answer = send(client, elena, upload("big.pdf", make_pdf("A") + b"\x00" * 9_000_000))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“big.pdf” is larger than 1 MB." in page
    assert 'value="Echo"' in page
    assert sum(written) <= 1024 * 1024
    assert not Document.objects.exists()


def test_a_hopeless_request_is_not_read_to_its_end(client, elena, settings, monkeypatch):
    settings.DOCUMENT_MAX_BYTES = 1024 * 1024
    written = []
    real = "django.core.files.uploadhandler.TemporaryFileUploadHandler.receive_data_chunk"
    monkeypatch.setattr(real, lambda self, raw, start: written.append(len(raw)))
    answer = send(client, elena, upload("huge.pdf", make_pdf("A") + b"\x00" * 22_000_000))
    assert answer.status_code == 422
    assert "larger than 1 MB" in answer.content.decode()
    assert written == []


def test_many_files_together_are_limited_too(client, elena, settings):
    settings.DOCUMENT_MAX_BYTES = 1024 * 1024
    files = [upload(f"{n}.txt", b"a" * 900_000 + str(n).encode()) for n in range(6)]
    answer = send(client, elena, *files)
    assert answer.status_code == 422
    assert not Document.objects.exists()


def test_a_page_that_takes_no_files_keeps_none(client, elena, monkeypatch):
    kept = []
    real = "django.core.files.uploadhandler.MemoryFileUploadHandler.file_complete"
    monkeypatch.setattr(real, lambda self, size: kept.append(size))
    answer = client.post(
        reverse("patients:note_new", args=[elena.pk]), {"body": "x", "a": upload("a.pdf", make_pdf("A"))}
    )
    assert answer.status_code in (302, 422)
    assert kept == []


# --- handing out --------------------------------------------------------------------------------------------


def test_a_file_leaves_as_an_attachment_and_the_trail_says_so(client, elena, dana):
    (document,) = add(elena, dana, upload('Ramírez "echo".pdf', make_pdf("A")), title="Echo")
    answer = client.get(reverse("patients:document_file", args=[document.pk]))
    assert b"".join(answer.streaming_content) == make_pdf("A")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "no-store"
    event = AuditEvent.objects.get(action="download")
    assert (event.actor_id, event.patient_id, event.entity_id) == (dana.pk, elena.pk, str(document.pk))


def test_a_restricted_persons_file_is_not_there(client, elena, dana):
    document = make_document(elena)
    somebody = make_user(site=elena.site)
    restrict(elena, somebody, coordinator=somebody)
    for name, args in (
        ("patients:document_file", []),
        ("patients:document_page", [1]),
        ("dashboard:document", []),
    ):
        assert client.get(reverse(name, args=[document.pk, *args])).status_code == 404


def test_a_missing_file_is_a_404(client, elena):
    document = make_document(elena)
    Path(document.file.path).unlink()
    assert client.get(reverse("patients:document_file", args=[document.pk])).status_code == 404
    assert client.get(reverse("patients:document_page", args=[document.pk, 7])).status_code == 404


def test_nothing_serves_files_by_their_path(client, elena):
    document = make_document(elena)
    for path in (f"/{document.file.name}", f"/static/{document.file.name}", f"/files/{document.file.name}"):
        assert client.get(path).status_code == 404


# --- changing -----------------------------------------------------------------------------------------------


def test_facts_change_with_a_history_that_names_them(client, elena, dana):
    document = make_document(elena)
    address = reverse("patients:document_edit", args=[document.pk])
    assert client.get(address).status_code == 200
    facts = {"kind": "letter", "title": "Letter", "tags": "signed", "expires_on": "2027-01-01"}
    answer = client.post(address, {**facts, "version": document.version})
    assert answer.url == reverse("dashboard:document", args=[document.pk])
    document.refresh_from_db()
    assert (document.kind, document.tags, document.expires_on) == (
        "letter",
        ["signed"],
        datetime.date(2027, 1, 1),
    )
    assert document.changes.get().facts["fields"] == ["expires_on", "kind", "tags", "title"]
    assert "Letter" not in str(AuditEvent.objects.get(action="update").details)


def test_an_imports_own_kind_stays_when_nothing_else_is_chosen(client, elena):
    document = make_document(elena, kind="History and physical note")
    page = client.get(reverse("patients:document_edit", args=[document.pk])).content.decode()
    assert '<option value="History and physical note" selected>' in page


def test_a_stale_save_shows_both_versions(client, elena, dana):
    document = make_document(elena)
    other = make_user(site=elena.site, name="Lee Park")
    services.update_document(document_id=document.pk, version=1, title="Theirs", by=other, now=NOW)
    answer = client.post(
        reverse("patients:document_edit", args=[document.pk]),
        {"kind": "report", "title": "Mine", "tags": "kept", "version": 1},
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs" in page
    assert "Mine" in page
    assert 'name="tags" value="kept"' in page
    document.refresh_from_db()
    assert document.title == "Theirs"


def test_changes_of_other_facts_do_not_disturb_each_other(elena, dana):
    document = make_document(elena)
    services.update_document(document_id=document.pk, version=1, title="New", by=dana, now=NOW)
    saved = services.update_document(document_id=document.pk, version=1, source="Fax", by=dana, now=NOW)
    assert (saved.title, saved.source, saved.version) == ("New", "Fax", 3)


def test_a_title_cannot_be_emptied(client, elena):
    document = make_document(elena)
    answer = client.post(
        reverse("patients:document_edit", args=[document.pk]), {"kind": "report", "title": "", "version": 1}
    )
    assert answer.status_code == 422
    assert "Title is required" in answer.content.decode()


# --- entered in error -----------------------------------------------------------------------------------------


def test_an_error_needs_a_reason_leaves_the_lists_and_can_be_undone(client, elena, dana):
    document = make_document(elena)
    address = reverse("patients:document_in_error", args=[document.pk])
    assert client.post(address, {"reason": ""}).status_code == 422
    client.post(address, {"reason": "Another person's"})
    tab = reverse("dashboard:patient_documents", args=[elena.pk])
    page = client.get(tab).content.decode()
    assert document.title not in page
    undo = reverse("patients:document_error_undo", args=[document.pk])
    assert undo in page
    assert document.title in client.get(tab + "?state=error").content.decode()
    client.post(undo)
    document.refresh_from_db()
    assert (document.status, document.error_reason) == ("current", "")
    assert [change.step for change in document.changes.all()] == ["enter_in_error", "take_back_error"]
    assert document.title in client.get(tab).content.decode()


def test_what_is_an_error_is_not_changed_or_linked(elena, dana):
    document = make_document(elena, status="entered_in_error", error_reason="x")
    with pytest.raises(Conflict):
        services.update_document(document_id=document.pk, version=None, title="y", by=dana, now=NOW)
    with pytest.raises(Conflict):
        services.enter_document_in_error(document_id=document.pk, reason="again", by=dana, now=NOW)
    referral = make_referral(elena)
    with pytest.raises(Conflict):
        services.link_document(
            document_id=document.pk, kind="referral", target_id=referral.pk, by=dana, now=NOW
        )


def test_an_error_is_not_undone_when_the_file_is_there_again(elena, dana):
    (first,) = add(elena, dana)
    services.enter_document_in_error(document_id=first.pk, reason="Wrong", by=dana, now=NOW)
    add(elena, dana, title="Again")
    with pytest.raises(Conflict, match="Again"):
        services.take_back_document_error(document_id=first.pk, by=dana, now=NOW)


# --- merging ------------------------------------------------------------------------------------------------


def merge(one, other, by):
    return services.merge_patients(
        survivor_id=one.pk, other_id=other.pk, choices={}, reason="Same", by=by, now=NOW
    )


def test_documents_and_links_go_along_and_come_back(elena, dana):
    lead = make_user(Role.LEAD, site=elena.site)
    twin = make_patient(site=elena.site)
    document, referral = make_document(twin), make_referral(twin)
    services.link_document(document_id=document.pk, kind="referral", target_id=referral.pk, by=dana, now=NOW)
    merged = merge(elena, twin, lead)
    document.refresh_from_db()
    assert document.patient == elena
    ours = make_referral(elena)
    services.link_document(document_id=document.pk, kind="referral", target_id=ours.pk, by=dana, now=NOW)
    services.unmerge_patients(merge_id=merged.pk, reason="Cousins", by=lead, now=NOW)
    document.refresh_from_db()
    assert document.patient == twin
    from coordinator.dashboard.documents import put_links

    put_links(dana, twin, [document])
    assert [target.pk for target in document.linked] == [referral.pk]  # the other one is another person's now
    assert DocumentLink.objects.count() == 2


def test_the_same_file_in_both_records_is_told_before_merging(elena, dana):
    twin = make_patient(site=elena.site)
    add(elena, dana, title="Echo")
    add(twin, dana, title="Echo again")
    lead = make_user(Role.LEAD, site=elena.site)
    plan = services.plan_merge(survivor=elena, other=twin, choices={}, now=NOW)
    assert "“Echo again” is in both records" in str(plan)
    merge(elena, twin, lead)
    assert elena.documents.count() == 2


def test_a_document_is_protected_from_the_moment_it_is_added(client, elena, dana):
    where = reverse("patients:document_new", args=[elena.pk])
    sent = {"kind": "report", "title": "Methadone program, discharge"}

    def post(**more):
        return client.post(where, {**sent, "files": [upload("report.pdf", make_pdf("A"))], **more})

    asked = post()
    assert asked.status_code == 422
    assert "This suggests a label: Substance-use record" in asked.content.decode()
    assert not Document.objects.exists()
    assert post(label="part2").status_code == 302
    assert Document.objects.get().label == "part2"
    assert not Document.objects.visible_to(make_user(site=elena.site)).exists()


def test_after_labelling_a_document_one_is_back_at_the_documents(client, elena, dana):
    (document,) = add(elena, dana)
    answer = client.post(reverse("patients:entry_label", args=["document", document.pk]), {"label": "part2"})
    assert answer.url == reverse("dashboard:patient_documents", args=[elena.pk])


def test_a_protected_file_is_told_without_its_title(client, elena, dana):
    """To who may not see it: another one who adds the same bytes, takes an error back, or prepares a merge."""
    (theirs,) = add(elena, dana, title="Methadone clinic", label="part2")
    other = make_user(Role.LEAD, site=elena.site)
    with pytest.raises(Conflict, match="protected document") as refusal:
        add(elena, other)
    assert "Methadone" not in str(refusal.value)
    assert refusal.value.extra["existing"] == {}
    with pytest.raises(Conflict, match="Methadone clinic"):
        add(elena, dana)
    client.force_login(other)
    sent = {"kind": "report", "files": [upload("report.pdf", make_pdf("Ejection fraction"))]}
    page = client.post(reverse("patients:document_new", args=[elena.pk]), sent)
    assert page.status_code == 422
    assert "as a protected document" in page.content.decode()
    assert "Methadone" not in page.content.decode()

    services.enter_document_in_error(document_id=theirs.pk, reason="x", by=dana, now=NOW)
    (again,) = add(elena, other, title="Report")
    services.enter_document_in_error(document_id=again.pk, reason="x", by=other, now=NOW)
    services.take_back_document_error(document_id=theirs.pk, by=dana, now=NOW)
    with pytest.raises(Conflict, match="protected document"):
        services.take_back_document_error(document_id=again.pk, by=other, now=NOW)


@pytest.mark.parametrize("labels", [("part2", ""), ("", "part2")])
def test_a_merge_does_not_name_a_protected_document(elena, dana, labels):
    twin = make_patient(site=elena.site)
    add(elena, dana, title="Methadone clinic", label=labels[0])
    add(twin, dana, title="Methadone clinic", label=labels[1])
    plan = str(services.plan_merge(survivor=elena, other=twin, choices={}, now=NOW))
    assert "A protected document is in both records" in plan
    assert "Methadone" not in plan


def test_nothing_is_added_to_a_record_that_was_merged_away(elena, dana):
    twin = make_patient(site=elena.site)
    merge(elena, twin, make_user(Role.LEAD, site=elena.site))
    with pytest.raises(NotAllowed):
        add(twin, dana)
