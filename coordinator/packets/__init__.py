"""Packets of referrals: what goes to the recipient, made from the record as one tagged PDF."""
