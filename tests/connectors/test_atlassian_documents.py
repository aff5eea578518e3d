"""Text becomes a document in Atlassian's format: nothing of it is lost, and Markdown's basics become nodes."""

import time

import pytest

from devmesh.connectors.atlassian.documents import document
from devmesh.errors import Invalid


def text(value, *marks):
    return {"type": "text", "text": value, **({"marks": list(marks)} if marks else {})}


def paragraph(*content):
    return {"type": "paragraph", "content": [text(one) if isinstance(one, str) else one for one in content]}


def link(href):
    return {"type": "link", "attrs": {"href": href}}


BREAK = {"type": "hardBreak"}
STRONG, EM, CODE, STRIKE = ({"type": name} for name in ("strong", "em", "code", "strike"))


def blocks(source):
    made = document(source, "body")
    assert (made["type"], made["version"]) == ("doc", 1)
    return made["content"]


def item(*content):
    return {"type": "listItem", "content": list(content)}


def bullets(*items):
    return {"type": "bulletList", "content": list(items)}


def test_plain_text_keeps_its_paragraphs_and_lines():
    assert blocks("One.\nTwo & <three>.\n\n\n  Four. ") == [
        paragraph("One.", BREAK, "Two & <three>."),
        paragraph("Four."),
    ]


@pytest.mark.parametrize(
    "source", ["2 * 3 * 4", "snake_case_name", "a*b", "5 < 6 > 4", "C:\\dir", "[x]", "#tag", "~~", "**"]
)
def test_signs_that_mark_nothing_stay_as_they_are(source):
    assert blocks(source) == [paragraph(source)]


@pytest.mark.parametrize(
    ("source", "nodes"),
    [
        ("a **b c** d", ["a ", text("b c", STRONG), " d"]),
        ("*a* _b_", [text("a", EM), " ", text("b", EM)]),
        ("~~a~~", [text("a", STRIKE)]),
        ("`a **b**`", [text("a **b**", CODE)]),
        ("**a `b` _c_**", [text("a ", STRONG), text("b", CODE), text(" ", STRONG), text("c", STRONG, EM)]),
        ("**a ~~**b**~~**", [text("a ~~", STRONG), "b", text("~~", STRONG)]),
        ("\\*a\\* \\`b\\`", ["*a* `b`"]),
        ("[a](https://x.example/?q=1)", [text("a", link("https://x.example/?q=1"))]),
        ("[`a`](mailto:a@x.example)", [text("a", link("mailto:a@x.example"), CODE)]),
        (
            "See https://x.example/a_b_c, or",
            ["See ", text("https://x.example/a_b_c", link("https://x.example/a_b_c")), ", or"],
        ),
        ("[a](javascript:alert(1))", ["[a](javascript:alert(1))"]),
        ("[a](/relative)", ["[a](/relative)"]),
        ("[https://x.example](https://y.example)", [text("https://x.example", link("https://y.example"))]),
    ],
)
def test_marks_of_a_line(source, nodes):
    assert blocks(source) == [paragraph(*nodes)]


def test_headings_rules_and_quotes():
    assert blocks("# One\n### *Three*\ntext\n---\n> said\n> again") == [
        {"type": "heading", "attrs": {"level": 1}, "content": [text("One")]},
        {"type": "heading", "attrs": {"level": 3}, "content": [text("Three", EM)]},
        paragraph("text"),
        {"type": "rule"},
        {"type": "blockquote", "content": [paragraph("said", BREAK, "again")]},
    ]


def test_code_is_kept_as_it_is():
    python = {"type": "codeBlock", "attrs": {"language": "python"}, "content": [text("if a:\n\n    **b**")]}
    assert blocks("```python\nif a:\n\n    **b**\n```\nafter") == [python, paragraph("after")]
    assert blocks("```\nnever closed") == [{"type": "codeBlock", "content": [text("never closed")]}]
    assert blocks("```\n```") == [{"type": "codeBlock", "content": []}]


def test_lists_nest_by_their_indentation():
    assert blocks("- one\n  more\n  - two\n* three\n") == [
        bullets(item(paragraph("one", BREAK, "more"), bullets(item(paragraph("two")))), item(paragraph("three")))
    ]
    assert blocks("3. a\n4. b\n- c") == [
        {"type": "orderedList", "attrs": {"order": 3}, "content": [item(paragraph("a")), item(paragraph("b"))]},
        bullets(item(paragraph("c"))),
    ]
    assert "attrs" not in blocks("1. a")[0]


def test_an_item_begins_with_what_the_format_allows():
    """Atlassian refuses a document in which a heading or a list begins an item."""
    assert blocks("- # a") == [bullets(item(paragraph("# a")))]
    assert blocks("- - a") == [bullets(item(paragraph(), bullets(item(paragraph("a")))))]


def test_an_empty_line_of_text_leaves_no_empty_node():
    def empty(node):
        return node.get("text") == "" or any(empty(one) for one in node.get("content", ()))

    assert not any(map(empty, blocks("** ** `` []() ~~~~ __ \n>\n\\\n#\n-\n1.")))


def test_a_document_is_passed_on_as_it_is():
    made = {"type": "doc", "version": 1, "content": [{"type": "panel", "attrs": {"panelType": "info"}}]}
    assert document(made, "body") is made


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"type": "doc"},
        {"type": "doc", "version": 2, "content": []},
        {"type": "panel", "version": 1, "content": []},
        paragraph("x"),
    ],
)
def test_an_object_that_is_no_document_is_refused_by_the_arguments_name(wrong):
    with pytest.raises(Invalid, match="description") as refusal:
        document(wrong, "description")
    assert refusal.value.faults[0].field == "description"


@pytest.mark.parametrize(
    "evil",
    ["**a ", "*_", "[", "[a](", "`", "~~a ~~", " ", "- ", "> ", "- a\n", "```\n", "# ", "https://", "\\", "_a ", "1. "],
)
def test_no_text_of_the_greatest_length_takes_long(evil):
    began = time.process_time()
    document((evil * 32767)[:32767], "body")
    assert time.process_time() - began < 2


def test_lists_within_lists_end_somewhere():
    deep = "\n".join(f"{'  ' * depth}- x" for depth in range(120))

    def depth(node):
        return 1 + max(map(depth, node.get("content", [])), default=0)

    assert depth(document(deep, "body")) < 20
