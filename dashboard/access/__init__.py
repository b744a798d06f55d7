"""Who may see a page: accounts, the login, and the headers of every answer."""
