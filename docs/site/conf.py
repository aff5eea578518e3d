# ruff: noqa: INP001 - read by Sphinx, no package
"""How the pages become a static site: `make site`.

The source is the checkout itself, so a link that works where the pages are read as files works on the site, to another
page, to a heading or to a file. Nothing that a page needs comes from elsewhere.
"""

from __future__ import annotations

from sphinx.application import Sphinx

project = "Developer Mesh"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/**/*.md",
    "sdk/*/README.md",
    "integrations/*/README.md",
]
exclude_patterns = [".*", "build", "**/node_modules"]
# GitHub's anchors of every heading, so that links to them hold in both places.
myst_heading_anchors = 6
# Replies are printed in part, with an ellipsis where JSON has none.
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False
html_use_index = False
# The front page has the name of its source; whoever asks for the directory is led there.
html_extra_path = ["index.html"]
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_theme_options = {"footer_icons": []}

_SECTIONS = {
    "Begin": ("docs/start", "docs/architecture"),
    "Guides": ("docs/guide/onboarding", "docs/guide/*"),
    "Clients": ("sdk/*/README", "integrations/*/README"),
    "Reference": ("docs/reference/*",),
    "Services": ("docs/reference/services/*",),
    "Operating": ("docs/operating", "docs/security"),
    "Working on it": ("docs/connectors", "docs/decisions/*", "CHANGELOG"),
}


def setup(app: Sphinx) -> None:
    """Have the front page list all others; as a file it is read without that."""
    app.connect("source-read", _list_pages)


def _list_pages(_app: Sphinx, name: str, source: list[str]) -> None:
    if name == root_doc:
        trees = (
            f"```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n"
            + "\n".join(f"/{page}" for page in pages)
            + "\n```"
            for caption, pages in _SECTIONS.items()
        )
        source[0] += "\n\n" + "\n\n".join(trees) + "\n"
