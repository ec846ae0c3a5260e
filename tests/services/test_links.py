"""Answers load no image and link only where the bot may, however a link is written and however the text is cut."""

import random
import re
import time

import pytest

from chatbot_saas.services.links import LIMIT, REMOVED, AllowedLinks, LinkFilter, clean

ALLOWED = AllowedLinks.of(
    origins=["https://shop.example", "http://localhost:3000"],
    sources=["https://docs.example.org/manual?page=2", ""],
    link_hosts=["*.cdn.example", "partner.example"],
    owner_texts=["Book at https://cal.example/me/30min. Call +49 30 123-456 or write to help@post.example."],
)
PASSAGES = "See https://evil.example/page or [y](https://evil.example/y?z=1), or partner.test/faq, or www.evil.example."
LEAK = "https://bad.example/p?q=secret"
GONE = REMOVED["en"]


def cleaned(text: str) -> str:
    whole = clean(text, ALLOWED, PASSAGES)
    for size in (1, 2, 5):
        links = LinkFilter(ALLOWED, PASSAGES)
        pieces = [links.feed(text[start : start + size]) for start in range(0, len(text), size)]
        assert "".join(pieces) + links.flush() == whole
    return whole


@pytest.mark.parametrize(
    "text",
    [
        "Refunds take 14 days [1]. Great![2] Done.",
        "Use `a[i](x)` and **bold**, _em_, x < y > z, 1 < 2 && 3 > 2, a/b, km/h, e.g./i.e., 24/7, and/or; 3.5/10.",
        "# Title\n\n1. One\n2. Two\n   - three\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "See [docs.example.org](https://docs.example.org/q?a=(b)) and https://shop.example/x?y=1#z, or <https://partner.example>.",
        "[img.cdn.example](https://img.cdn.example/a) [me](https://cal.example/me/30min) http://localhost:3000/a",
        "[call](tel:+4930123456) [mail](mailto:a@shop.example) <mailto:help@post.example> or someone@else.example",
        "```sh\ncurl https://api.other.example/v1\n```\nthen `pip install https://other.example/x.whl`.",
        "中文：退款需要14天。请访问 https://shop.example/退款 查看。[1]",
        "Dear <your name>, thanks & bye; AT&T &amp; Co; \\*not bold\\*",
        "[Note]: important",
        "(see [1], [2][3]) [a] [b][c] array[0]",
    ],
)
def test_what_is_allowed_stays_as_it_is(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"![a picture]({LEAK})", "a picture"),
        ("![ours](https://shop.example/logo.png) too", "ours too"),
        (f"![ref][r]\n\n[r]: {LEAK}\n", "ref\n\n\n"),
        (f'<img src="{LEAK}" alt="pic"> text', "pic text"),
        ("![x](data:image/png;base64,AAAA)", "x"),
        (f"[![alt]({LEAK})](https://shop.example)", "[alt](https://shop.example)"),
        (f"Click [here]({LEAK}).", "Click here."),
        (f"Click [here][r].\n\n[r]: <{LEAK}> 'title'\n", "Click [here][r].\n\n\n"),
        (f"[1]({LEAK})", "[1]"),
        (f"Go to {LEAK} now", f"Go to {GONE} now"),
        (f"<{LEAK}>", GONE),
        (f'<a href="{LEAK}">here</a>', "here"),
        ('<a href="https://shop.example/k">there</a>', "[there](https://shop.example/k)"),
        ("[y](https://evil.example/y?z=1)", "y (`evil.example/y?z=1`)"),
        ("at https://evil.example/page.", "at `evil.example/page`."),
        ("at www.evil.example!", "at `www.evil.example`!"),
        ("partner.test/faq and partner.test/leak?q=1", f"partner.test/faq and {GONE}"),
        ("//bad.example/x", GONE),
        ("www.bad.example/x", GONE),
        ("[x](javascript:alert(1)) javascript:alert(1)", f"x {GONE}"),
        ("[x](JaVa&#115;cript:alert(1)) [y](java\\script:x) [z](vbscript:x) [f](file:///etc)", "x y z f"),
        ("[x](data:text/html,<b>) h&#116;tp&colon;//bad.example", f"x {GONE}"),
        ("http\\://bad.example https:/bad.example", f"{GONE} {GONE}"),
        ("[x](https://shop.example@bad.example/)", "x"),
        ("[x](https://\u0455hop.example) [y](https:\\\\bad.example) [z](/admin)", "x y z"),
        ("[x](https://shop.example%2ebad.example) [y](https://shop.example\u3002bad.example)", "x y"),
        ("https://shop.example。更多", "<https://shop.example>。更多"),
        ("请看https://bad.example/a?b=1。更多", f"请看{GONE}。更多"),
        ("[x](https://notshop.example) [y](https://shop.example.bad.example) [z](https://cdn.example)", "x y z"),
        ("[x](mailto:a@bad.example) [t](tel:+99999)", "x t"),
        ("<script>alert(1)</script><b>bold</b>", "alert(1)bold"),
        ("https://shop.example<b></b>。evil.test", "<https://shop.example>。evil.test"),
        ("htt<b></b>p:<i></i>//bad.example", f"htt p: {GONE}"),
        (f"[htt](x)p://bad.example [a `]({LEAK})` b]", f"htt {GONE} a ` ` b]"),
        (f"| `a | [x]({LEAK}) ` |", "| `a | x ` |"),
        (f"- a `\n- [x]({LEAK}) `", "- a `\n- x `"),
        (f"```\n```x\n{LEAK}", f"```\n```x\n{GONE}"),
    ],
)
def test_what_is_not_allowed_is_taken_out(text: str, left: str) -> None:
    assert cleaned(text) == left


def test_words_are_in_the_visitors_language() -> None:
    assert clean(LEAK, ALLOWED, language="de") == "[Link entfernt]"
    assert clean(LEAK, ALLOWED, language="xx") == GONE


def test_every_host_may_be_allowed() -> None:
    every = AllowedLinks.of(link_hosts=["*"])
    assert clean("[x](https://any.example/a) ![i](https://any.example/i)", every) == "[x](https://any.example/a) i"
    assert clean("[x](javascript:alert(1)) [y](ftp://any.example)", every) == "x y"


ATOMS = [
    *("[", "]", "(", ")", "!", "`", "``", "```", "~~~", "\n", "\n\n", "    ", "- ", "> ", "<", ">", "<b>", "</a>", "|"),
    *('<a href="', '">', "<img src=", "<foo>", "<!--", "-->", "**", "_", "\\", "&#58;", "&colon;", "https:", "http"),
    *("//", "bad.example", "/?q=s", LEAK, f"[x]({LEAK})", f"![i]({LEAK})", f"[r]: {LEAK}\n", "[x][r]", "[1]", "www."),
    *("https://shop.example/ok", "[ok](https://shop.example/a)", "https://shop.example", "text ", "中文", "。", "@"),
    *("https://evil.example/page", "javascript:alert(1)", '"t"', ".", ":", "](", "![", "data:image/png;base64,AA"),
]
LIVE = re.compile(r"(?<![a-z])(?:https?://|www\.)(?!shop\.example)[\w.]*bad|\]\((?!https://shop)[^()\s]*bad[^()\s]*\)")


def test_it_does_not_matter_how_the_text_is_cut() -> None:
    chance = random.Random(5)
    for _ in range(1500):
        text = "".join(chance.choice(ATOMS) for _ in range(chance.randint(2, 16)))
        whole = clean(text, ALLOWED, PASSAGES)
        links, place, said = LinkFilter(ALLOWED, PASSAGES), 0, ""
        while place < len(text):
            step = chance.choice([1, 1, 2, 3, 7, 20])
            said += links.feed(text[place : place + step])
            place += step
        assert said + links.flush() == whole, text
        if "`" not in text and "~" not in text:
            assert not LIVE.search(whole), (text, whole)


def test_little_is_held_back_and_it_is_quick() -> None:
    links = LinkFilter(ALLOWED)
    for piece in ("Plain ", "words ", "come ", "at ", "once. "):
        links.feed(piece)
        assert len(links.held) <= len(piece)
    assert links.feed("中文不等待").endswith("中文不等待")
    for hostile in ("[" * 6000, "![" * 3000, "`" * 5000, "<a " * 2000, "](" * 3000, "[a](" + "(" * 4000, "&#58" * 2000):
        links = LinkFilter(ALLOWED)
        start = time.process_time()
        for at in range(0, len(hostile), 50):
            links.feed(hostile[at : at + 50])
            assert len(links.held) <= LIMIT + 50
        links.flush()
        assert time.process_time() - start < 5, hostile[:9]
