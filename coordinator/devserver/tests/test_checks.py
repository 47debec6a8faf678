"""Each check in bin/lib finds the violation planted for it, and lets the tree as it is pass."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bin" / "lib"))

import contrast  # noqa: E402
import guard  # noqa: E402
import lock  # noqa: E402

PLANTED = {
    "templates/a.html": [
        '<script src="https://cdn.example/htmx.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/a.css">',
        '<img src="http://elsewhere.example/pixel.png">',
        "<script>alert(1)</script>",
        '<p style="color: red">x</p>',
        '<button onclick="go()">x</button>',
    ],
    "static/css/a.css": [
        '@import "https://fonts.example/a.css";',
        "a { background: url(//cdn.example/b.png) }",
        "/*! kit v3 */",
    ],
    "static/js/a.js": ['import x from "https://cdn.example/x.js";', "//# sourceMappingURL=a.js.map"],
    "static/js/htmx.min.js": [""],
    "static/vendor/a.js": [""],
}


@pytest.mark.parametrize(
    ("path", "text"), [(path, text) for path, texts in PLANTED.items() for text in texts]
)
def test_a_planted_violation_is_found_with_its_place(path: str, text: str) -> None:
    assert any(complaint.startswith(path) for complaint in guard.complaints_about(path, f"\n{text}\n"))


def test_ordinary_links_comments_and_data_scripts_pass() -> None:
    text = (
        '<a href="https://www.medicare.gov/">Medicare</a><script src="{% static \'js/a.js\' %}" type="module"></script>'
        '{# <script>old</script> #}<script type="application/json" id="x">{}</script><svg xmlns="http://www.w3.org/2000/svg">'
    )
    assert guard.complaints_about("templates/a.html", text) == []


def test_the_colors_of_the_product_pass() -> None:
    assert contrast.complaints() == []


def test_a_color_too_close_to_its_background_is_found() -> None:
    css = contrast.TOKENS.read_text()
    faded = contrast.TOKEN.sub(
        lambda match: "--text-2: light-dark(#c0c0c0, #404040)" if match[1] == "text-2" else match[0], css
    )
    assert any(line.startswith("light: text-2 on surface reaches") for line in contrast.complaints(faded))
    assert contrast.complaints(css.replace("--focus:", "--gone:"))


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48)]
)
def test_contrast_is_computed_as_the_guideline_says(one: str, other: str, ratio: float) -> None:
    assert contrast.ratio(one, other) == pytest.approx(ratio, abs=0.01)


def test_a_pin_without_a_hash_is_found() -> None:
    good = "one==1.0 \\\n    --hash=sha256:00\n    # via x\n"
    assert lock.missing_hashes(good + "two==2.0\n    # via one\n" + good) == ["two"]
    for target in lock.LOCKS.values():
        assert lock.missing_hashes((ROOT / target).read_text()) == []


def test_the_commands_are_plain_sh() -> None:
    for script in (*(ROOT / "bin").glob("[a-z]*"), ROOT / ".ci" / "run"):
        if script.is_file():
            assert subprocess.run(["sh", "-n", script]).returncode == 0
