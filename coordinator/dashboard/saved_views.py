"""Named sets of filters, shared or not, and how a list was left. They hold no patient's name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from coordinator.accounts.models import Team, User
from coordinator.dashboard.models import SavedView

LIMIT = 20


@dataclass(frozen=True)
class Views:
    """What one person sees of the views of a page. `left` is how they left it, None before the first time."""

    own: list[SavedView] = field(default_factory=list)
    shared: list[SavedView] = field(default_factory=list)
    left: SavedView | None = None

    @property
    def query(self) -> str:
        return self.left.query if self.left else ""

    @property
    def columns(self) -> list[str] | None:
        return self.left.columns if self.left else None

    @property
    def first(self) -> SavedView | None:
        """The view that the list starts with after signing in, while the person still sees it."""
        key = self.left.opens_id if self.left else None
        return next((view for view in (*self.own, *self.shared) if key and view.pk == key), None)


def views_of(user: User, page: str) -> Views:
    """Own views, those that the person's team was given, and how the list was left (one query)."""
    seen = Q(user=user)
    if user.team_id:
        seen |= Q(team=user.team_id)
    found = list(
        SavedView.objects.visible_to(user)
        .filter(seen, page=page)
        .select_related("user", "team")
        .order_by("name")
    )
    own = [view for view in found if view.user_id == user.pk]
    return Views(
        own=[view for view in own if view.name],
        shared=[view for view in found if view.user_id != user.pk],
        left=next((view for view in own if not view.name), None),
    )


def can_change(user: User, view: SavedView) -> bool:
    """Its owner; what is shared also a manager of the team's place."""
    manages = user.can("settings.manage") and view.team is not None and view.team.site_id in user.site_ids
    return view.user_id == user.pk or manages


def _to_change(user: User, view_id: UUID) -> SavedView:
    """The named view, locked. Raises SavedView.DoesNotExist for what is not there, PermissionDenied for others' views."""
    named = SavedView.objects.visible_to(user).exclude(name="")
    view = named.select_related("team", "user").select_for_update(of=("self",)).get(pk=view_id)
    if not can_change(user, view):
        raise PermissionDenied(_("Only its owner or a manager changes a shared view."))
    return view


@transaction.atomic
def save_view(*, user: User, page: str, name: str, query: str) -> SavedView:
    """Keep filters under a name; the same name again replaces them. Raises ValidationError."""
    name = _checked(name)
    there = user.saved_views.filter(page=page).exclude(name="")
    if there.count() >= LIMIT and not there.filter(name=name).exists():
        raise ValidationError(_("There are %(n)d saved views already. Delete one first.") % {"n": LIMIT})
    view, _made = user.saved_views.update_or_create(page=page, name=name, defaults={"query": query[:500]})
    return view


def _checked(name: str) -> str:
    name = name.replace("\x00", "").strip()[:80]
    if not name:
        raise ValidationError(_("Give the view a name."))
    return name


@transaction.atomic
def change_view(*, user: User, view_id: UUID, name: str, team: Team | None) -> SavedView:
    """Another name, and who it is shared with; `team` None takes it back. Raises ValidationError, PermissionDenied."""
    view = _to_change(user, view_id)
    name = _checked(name)
    same = view.user.saved_views.filter(page=view.page, name=name).exclude(pk=view.pk)
    if same.exists():
        raise ValidationError(_("There is a view with this name already."))
    if team is not None and team.site_id not in user.site_ids:
        raise ValidationError(_("Choose a team of your place."))
    view.name, view.team = name, team
    view.save()
    return view


@transaction.atomic
def delete_view(*, user: User, view_id: UUID) -> None:
    """Raises SavedView.DoesNotExist, PermissionDenied."""
    _to_change(user, view_id).delete()


@transaction.atomic
def open_with(*, user: User, page: str, view_id: UUID | None) -> None:
    """Start with this view after signing in; None: as the list was left. Raises SavedView.DoesNotExist."""
    seen = SavedView.objects.visible_to(user).filter(page=page).exclude(name="")
    view = seen.get(pk=view_id) if view_id else None
    user.saved_views.update_or_create(page=page, name="", defaults={"opens": view})


def choose_columns(*, user: User, page: str, columns: Iterable[str] | None) -> None:
    """Which columns the person sees; None: as everybody's."""
    kept = None if columns is None else list(columns)
    user.saved_views.update_or_create(page=page, name="", defaults={"columns": kept})


def remember(*, user: User, page: str, query: str) -> None:
    """Keep the filters as left."""
    user.saved_views.update_or_create(page=page, name="", defaults={"query": query[:500]})
