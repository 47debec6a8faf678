"""The doorways of referrals, one module per noun."""
