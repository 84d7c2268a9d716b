"""The pages that show a merchant with everything about it."""
