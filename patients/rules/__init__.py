"""Pure rules of the record: what text may hold, telephone numbers, what a search means, who looks doubled."""
