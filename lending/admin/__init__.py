"""The first page, the pages that show a merchant with everything about it, and those of lending itself."""

from django.contrib import admin

from lending.admin import application, day_close, loan, merchant, offer, product

# By attribute, as the theme's own template comes first among the apps.
admin.site.index_template = "lending/dashboard.html"

__all__ = ["application", "day_close", "loan", "merchant", "offer", "product"]
