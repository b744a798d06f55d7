"""The DfE's published figures, turned into events and counted again by the models."""

from streams.published.check import Checked, Difference, check
from streams.published.tables import Figures, read_figures

__all__ = ["Checked", "Difference", "Figures", "check", "read_figures"]
