"""
Deliver alerts to subscribers: the library for programs, the webhook and e-mail senders, and the display of an
alert.
"""
