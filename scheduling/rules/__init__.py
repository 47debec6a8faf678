"""Pure functions: free times, conflicts between visits, local times, reminders. No database, no clock on the wall."""
