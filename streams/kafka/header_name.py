"""The name of a record header. Kafka treats the name as text, but does not check that it is text."""

__all__ = ["HeaderName"]


class HeaderName(str):
    """A header name. Bytes that are not UTF-8 are stored as lone surrogates, and `encode` restores these bytes."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """Return the bytes of the name."""
        return super().encode(encoding, "surrogateescape")
