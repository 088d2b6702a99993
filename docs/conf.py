"""The documentation site: `make docs` builds it into build/docs, whose pages need no network."""

import sys
from importlib import import_module
from pathlib import Path

from sphinx.ext.autodoc.mock import MockFinder

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
# Signatures and docstrings alone are read, so that the site is built without starting TensorFlow.
# autodoc_mock_imports would start it all the same, for the source of NormWatch's base
sys.meta_path.insert(0, MockFinder(["keras", "tensorflow"]))

project = "normbench"
author = "the normbench developers"
release = import_module("pipeline.version").VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "measured"]
myst_heading_anchors = 3  # levels of headings that a link may name
default_role = "code"  # docstrings write code in single backticks
highlight_language = "text"
smartquotes = False  # options begin with two dashes

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"  # fonts of the reader's own system; style and scripts lie beside the pages
html_title = "normbench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
