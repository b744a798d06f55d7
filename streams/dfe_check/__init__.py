"""Turn the DfE's published figures into events, count these events with the models, and compare the results."""

from streams.dfe_check.check import Checked, Difference, check
from streams.dfe_check.tables import Figures, read_figures

__all__ = ["Checked", "Difference", "Figures", "check", "read_figures"]
