"""Access to the pages: accounts, the login, and the security headers of every response."""
