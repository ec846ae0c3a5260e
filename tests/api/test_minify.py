"""What the widget's files lose on the way to the browser, and what they keep."""

import pytest

from chatbot_saas.api.minify import minify


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("const a = 1;\nconst b = 2;\nlet c;\n", "let a=1,b=2,c;"),
        ("const a = 1;\na();\nconst b = 2;\n", "let a=1;a();let b=2;"),
        ("export const one = 1;\nconst b = 2;\nconst c = 3;\n", "export let one=1;let b=2,c=3;"),
        ("if (a) {\n  b();\n}\nconst c = 1;\n", "if(a){b()}\nlet c=1;"),
        ("const a = () => {\n  b();\n  const c = 1;\n};\nconst d = {\n  e,\n};\n", "let a=()=>{b();let c=1},d={e};"),
        ("const a = `${() => {\n  const b = 1;\n  const c = 2;\n}}`;\nlet d;\n", "let a=`${()=>{let b=1,c=2}}`,d;"),
        ("{\n  while (a());\n}\n", "{while(a());}"),
    ],
)
def test_nothing_idle_is_sent(source: str, made: str) -> None:
    assert minify(source).strip() == made
