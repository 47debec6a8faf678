"""Exchange with payers as files: answers to prior authorizations read and applied, requests written."""
