"""An ESME that makes load and judges what came back: `Load` runs what `LoadOptions` describe."""

from simulator.load.journal import Journal
from simulator.load.options import LoadOptions
from simulator.load.report import Report
from simulator.load.runner import Load

__all__ = ["Journal", "Load", "LoadOptions", "Report"]
