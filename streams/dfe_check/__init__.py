"""Check the models: make events from the DfE's published figures, count these events, and compare the counts."""

from streams.dfe_check.check import Checked, Difference, check
from streams.dfe_check.tables import Figures, read_figures

__all__ = ["Checked", "Difference", "Figures", "check", "read_figures"]
