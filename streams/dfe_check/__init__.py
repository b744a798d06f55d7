"""The DfE's published figures, turned into events and counted again by the models."""

from streams.dfe_check.check import Checked, Difference, check
from streams.dfe_check.tables import Figures, read_figures

__all__ = ["Checked", "Difference", "Figures", "check", "read_figures"]
