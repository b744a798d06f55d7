"""What a page is made of: templates, figures, charts and maps."""
