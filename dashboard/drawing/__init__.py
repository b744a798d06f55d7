"""The building blocks of a page: templates, figures, charts and maps."""
