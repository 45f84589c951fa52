"""The chart library, imported without its side effect.

For its plugins, of which there are none here, pygal hooks into every later import of the process, in a way that Python
3.12 has dropped and 3.11 warns of.
"""

import sys

import pygal
from pygal.style import Style

__all__ = ["Style", "pygal"]

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]
