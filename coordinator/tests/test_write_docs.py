"""The generated pages of docs/ are current, and a stale one is noticed."""

import pytest
from django.core.management import CommandError, call_command

from coordinator.management.commands import write_docs


def test_the_generated_documents_are_current():
    call_command("write_docs", check=True)


def test_a_stale_document_is_noticed_and_written_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(write_docs, "FOLDER", tmp_path)
    with pytest.raises(CommandError, match=r"Stale: workflows\.md, permissions\.md"):
        call_command("write_docs", check=True)
    call_command("write_docs")
    call_command("write_docs", check=True)
    assert "docs/ is current" in capsys.readouterr().out


def test_the_workflow_page_holds_every_step(tmp_path, monkeypatch):
    from coordinator.generated_docs import models_with_workflow, pages

    text = pages()["workflows.md"]
    for model in models_with_workflow():
        for step in model.workflow.steps:
            assert f"| `{step.name}` |" in text
