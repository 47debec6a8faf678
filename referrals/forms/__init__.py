"""What people type about referrals, authorizations, papers and money, one module per noun."""
