"""The name of a header. Kafka treats it as text, but never checks that it is."""

__all__ = ["HeaderName"]


class HeaderName(str):
    """A header's name that need not be text. Bytes that are not UTF-8 are lone surrogates; `encode` restores them."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """The name's bytes."""
        return super().encode(encoding, "surrogateescape")
