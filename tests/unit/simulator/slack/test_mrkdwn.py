"""Slack's mark-up as HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.slack.mrkdwn import to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a* _b_ ~c~", "<strong>a</strong> <em>b</em> <del>c</del>"),
        ("BTC_USDT_PERP 2*3*4", "BTC_USDT_PERP 2*3*4"),
        ("`*a*`", "<code>*a*</code>"),
        ("```a\n<b>```", "<pre>a\n&lt;b&gt;</pre>"),
        ("a\nb", "a<br>b"),
        ("&lt;!channel&gt; &amp;amp;", "&lt;!channel&gt; &amp;amp;"),
        ("<script>", "script"),
        ("<!channel>", '<span class="mention">@channel</span>'),
        (
            "<https://x/?a=1&amp;b=2|*L*>",
            '<a href="https://x/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">*L*</a>',
        ),
        ("<javascript:alert(1)|L>", "L"),
        (
            '<https://x/"onclick=|L>',
            '<a href="https://x/&quot;onclick=" target="_blank" rel="noopener noreferrer">L</a>',
        ),
        (":bell: :nonsense:", "🔔 :nonsense:"),
        ("<!date^9e9^{time}|soon>", "soon"),
    ],
)
def test_mark_up_becomes_html(text: str, html: str) -> None:
    """What is no mark-up stays as it is."""
    assert to_html(text) == html


def test_a_date_keeps_its_moment_and_its_form() -> None:
    """The page shows it in the reader's zone."""
    html = to_html("<!date^1767268800^{time_secs}|12:00 UTC>")
    assert 'datetime="2026-01-01T12:00:00+00:00" data-form="{time_secs}"' in html
    assert html.endswith(">12:00 UTC</time>")


@given(st.text(alphabet="<>|&\"'*_~`!@#^\n a:\ue000\ue0011", max_size=60))
def test_no_text_can_bring_a_tag_of_its_own(text: str) -> None:
    """Only the tags that stand for Slack's signs appear."""
    html = str(to_html(text))
    for tag in html.split("<")[1:]:
        assert tag.lstrip("/").startswith(
            ("strong>", "em>", "del>", "code>", "pre>", "br>", "span ", "span>", "a ", "a>")
        )
