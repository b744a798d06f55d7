"""The name of a record header. Kafka treats the name as text, but never checks that it is."""

__all__ = ["HeaderName"]


class HeaderName(str):
    """A header name that may contain bytes other than UTF-8, stored as lone surrogates. `encode` restores them."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """Return the bytes of the name."""
        return super().encode(encoding, "surrogateescape")
