"""The name of a header, which Kafka takes for text and never looks at."""

__all__ = ["HeaderName"]


class HeaderName(str):
    """A header's name that need not be text: bytes that are not UTF-8 are lone surrogates, and `encode` gives them."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        """The name's bytes."""
        return super().encode(encoding, "surrogateescape")
