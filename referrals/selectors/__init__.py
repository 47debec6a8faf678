"""Reads for the pages of referrals, one module per noun."""
