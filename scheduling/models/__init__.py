"""Services, rooms, availability, appointments, the waitlist and reminder rules.

Site and Practitioner stand on the floor (coordinator.accounts) because lower apps name them.
"""

from scheduling.models.visits import (
    Appointment,
    AppointmentChange,
    AppointmentQuerySet,
    Availability,
    Block,
    ReminderWindow,
    Room,
    Service,
    SiteScoped,
    TimeRange,
)
from scheduling.models.waitlist import (
    PartOfDay,
    WaitlistEntry,
    WaitlistEntryChange,
    WaitlistOffer,
    WaitlistOfferChange,
)

__all__ = [
    "Appointment",
    "AppointmentChange",
    "AppointmentQuerySet",
    "Availability",
    "Block",
    "PartOfDay",
    "ReminderWindow",
    "Room",
    "Service",
    "SiteScoped",
    "TimeRange",
    "WaitlistEntry",
    "WaitlistEntryChange",
    "WaitlistOffer",
    "WaitlistOfferChange",
]
