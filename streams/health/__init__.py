"""How each part is: the signs of life that parts give, what Kafka and the lake show of their work, and the verdict."""

from streams.health.sign import Sign, sign_of_life

__all__ = ["Sign", "sign_of_life"]
