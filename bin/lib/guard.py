"""What must never be committed: third-party code, anything loaded from elsewhere, anything inline."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TOP_LEVEL = {
    "manage.py", "requirements.txt", "pytest.ini", "README.md", "bin", "docs", "bench", "faults",
    "coordinator", "patients", "careplans", "scheduling", "referrals", "templates", "static",
}  # fmt: skip
THIRD_PARTY_NAME = re.compile(
    r"(\.min\.(js|css)|\.(woff2?|ttf|otf|whl|tar\.gz|zip|so|jar))$|(^|/)(vendor|node_modules)/"
)
LICENSE_BANNER = re.compile(r"^\s*/\*!|@license|sourceMappingURL|\bCopyright \(c\)", re.MULTILINE)
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*\b(?:src|data)\s*=\s*["']?(?:https?:)?//"""
    r"""|<link\b[^>]*\bhref\s*=\s*["']?(?:https?:)?//"""
    r"""|@import\s+(?:url\()?\s*["']?(?:https?:)?//"""
    r"""|url\(\s*["']?(?:https?:)?//"""
    r"""|\b(?:import|from)\s*\(?\s*["'](?:https?:)?//""",
    re.IGNORECASE,
)
INLINE = re.compile(
    r"<style\b|<script(?![^>]*\bsrc=)(?![^>]*type=[\"']application/json)|\sstyle\s*=\s*[\"']|\son[a-z]+\s*=\s*[\"']"
)
COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", re.DOTALL)
LARGE = 300_000


def committed() -> list[str]:
    """Paths that are or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]


def complaints_about(path: str, text: str) -> list[str]:
    """What is wrong with one committed file, each with its line."""
    found = []
    suffix = Path(path).suffix
    if THIRD_PARTY_NAME.search(path):
        found.append(f"{path}: looks like third-party code; take it from a locked package")
    if path.startswith(("static/", "templates/")):
        checks = [(LOADED, "loads something from another site")]
        if suffix in (".js", ".css"):
            checks.append((LICENSE_BANNER, "looks like third-party code"))
        # E-mail clients know no style sheets, but they get no script and no outside file either.
        if suffix == ".html" and "/messages/" not in path:
            checks.append((INLINE, "inline script or style, which the content policy refuses"))
        bare = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
        for pattern, what in checks:
            found += [
                f"{path}:{bare.count(chr(10), 0, match.start()) + 1}: {what}"
                for match in pattern.finditer(bare)
            ]
    return found


def complaints() -> list[str]:
    found = []
    for path in committed():
        top = path.split("/")[0]
        if top not in TOP_LEVEL and not top.startswith("."):
            found.append(f"{path}: nothing else belongs at the top of the tree")
        full = ROOT / path
        if path.startswith("static/") and full.stat().st_size > LARGE:
            found.append(f"{path}: larger than {LARGE // 1000} kB")
        if full.suffix in (".html", ".css", ".js", ".svg", ".txt") or THIRD_PARTY_NAME.search(path):
            found += complaints_about(path, full.read_text(errors="replace"))
    return found
