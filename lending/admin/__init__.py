"""The first page, and the pages that show a merchant with everything about it."""

from django.contrib import admin

from lending.admin import merchant

# By attribute, as the theme's own template comes first among the apps.
admin.site.index_template = "lending/dashboard.html"

__all__ = ["merchant"]
