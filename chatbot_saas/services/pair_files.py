"""Questions and answers as a CSV file, read and written. Pure; reading runs in a worker process.

What spreadsheets write is understood: commas, semicolons or tabs, any encoding, a first line of column names or none.
The apostrophe that writing puts before what looks like a formula (services.csv_files) is taken off again, so that what
is exported is imported as it was.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from chatbot_saas.adapters.extraction.encodings import decode
from chatbot_saas.adapters.extraction.failures import FileMislabelledError
from chatbot_saas.schemas.sources import MAX_PAIRS, QuestionPair
from chatbot_saas.services import csv_files
from chatbot_saas.services.questions import folded

MAX_BYTES = 10 * 1024 * 1024
MAX_PROBLEMS = 20
_ESCAPED = re.compile(r"'+[=+\-@＝＋－＠\t\r\n]")
_SEPARATORS = (",", ";", "\t")
_SAMPLE_ROWS = 200
_SEPARATOR_LINE = re.compile(r"sep=([,;|\t])\r?\n", re.IGNORECASE)  # Excel's own
_QUESTION = frozenset(
    """question questions q frage fragen preguntas pregunta domanda domande pergunta perguntas vraag vragen pytanie
    pytania prompt input 質問 问题 問題""".split()  # noqa: SIM905  a list of quoted words is harder to read
)
_ANSWER = frozenset(
    """answer answers a antwort antworten respuesta respuestas réponse réponses reponse risposta risposte resposta
    respostas antwoord antwoorden odpowiedź odpowiedzi response reply output 回答 答え 答案""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Line:
    """A pair, and the line of the file on which it begins."""

    number: int
    question: str
    answer: str


@dataclass(slots=True)
class PairFile:
    """What a file holds, or all that is wrong with it: then it holds nothing."""

    lines: list[Line] = field(default_factory=list[Line])
    problems: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Line and words, the first twenty."""


def write(pairs: Sequence[QuestionPair]) -> bytes:
    rows = [("question", "answer"), *((pair.question, pair.answer) for pair in pairs)]
    return csv_files.BOM.encode() + csv_files.write(rows)


def _as_written(text: str) -> str:
    return text[1:] if _ESCAPED.match(text) else text


def read(data: bytes) -> PairFile:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _refused(1, "This is a workbook, not a CSV file. In Excel choose Save As, CSV UTF-8, and send that.")
    try:
        text = decode(data).removeprefix(csv_files.BOM)
    except FileMislabelledError:
        return _refused(1, "This is not a text file. Send a CSV file with the columns question and answer.")
    if not text.strip():
        return _refused(1, "The file is empty.")
    skipped = 0
    separators: Sequence[str] = _SEPARATORS
    if told := _SEPARATOR_LINE.match(text):
        text, skipped, separators = text[told.end() :], 1, (told[1],)
    separator = max(separators, key=lambda separator: _fitting_rows(text, separator))
    rows: list[tuple[int, list[str]]] = []
    last = skipped
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((last + 1, row))
            last = skipped + reader.line_num
    except csv.Error as error:
        return _refused(last + 1, _words_of(error))
    return _pairs(rows)


def _fitting_rows(text: str, separator: str) -> int:
    """How well the separator divides the first rows: into two, best of all into a question's and an answer's column."""
    fitting = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for number, row in zip(range(_SAMPLE_ROWS), reader, strict=False):
            cells = [cell for cell in row if cell.strip()]
            named = number == 0 and len(cells) > 1 and _columns(row) is not None
            fitting += 2 * _SAMPLE_ROWS if named else len(cells) == 2
    except csv.Error:
        pass  # told when it is read
    return fitting


def _columns(row: list[str]) -> tuple[int, int] | None:
    """Where the question and the answer stand, if this is a row of names. Of two columns one name tells both."""
    names = [cell.strip().rstrip(":").casefold() for cell in row]
    question = next((place for place, name in enumerate(names) if name in _QUESTION), None)
    answer = next((place for place, name in enumerate(names) if name in _ANSWER), None)
    if len(row) == 2 and (question is None) != (answer is None):
        question, answer = (question, 1 - question) if question is not None else (1 - (answer or 0), answer)
    return None if question is None or answer is None else (question, answer)


def _pairs(rows: list[tuple[int, list[str]]]) -> PairFile:
    found = PairFile()
    columns = _columns(rows[0][1])
    body = rows[1:] if columns else rows
    if not body:
        return _refused(rows[0][0], "There is no question below the names of the columns.")
    if all(len(row) == 1 for _, row in rows):
        return _refused(rows[0][0], "There is one column only. Put a comma between each question and its answer.")
    if len(body) > MAX_PAIRS:
        return _refused(
            body[MAX_PAIRS][0], f"There are {len(body):,} questions; a list holds {MAX_PAIRS:,}. Split the file."
        )
    seen: dict[str, Line] = {}
    for number, row in body:
        problem, line = _line(number, row, columns)
        if line and (earlier := seen.setdefault(folded(line.question) or line.question, line)) is not line:
            if earlier.answer == line.answer:
                continue  # said twice
            problem = f"The question stands on line {earlier.number} too, with another answer."
        if problem:
            found.problems.append((number, problem))
        elif line:
            found.lines.append(line)
        if len(found.problems) == MAX_PROBLEMS:
            break
    return PairFile(problems=found.problems) if found.problems else found


def _line(number: int, row: list[str], columns: tuple[int, int] | None) -> tuple[str, Line | None]:
    """What is wrong with a row, or its pair."""
    if columns is None and any(cell.strip() for cell in row[2:]):
        return "There are more than two columns. Put texts that hold the separator between quotation marks.", None
    at_question, at_answer = columns or (0, 1)
    question = _as_written(row[at_question]) if at_question < len(row) else ""
    answer = _as_written(row[at_answer]) if at_answer < len(row) else ""
    try:
        pair = QuestionPair(question=question, answer=answer)
    except ValidationError as error:
        problem = error.errors()[0]
        return _words_of_field(str(problem["loc"][0]), problem), None
    return "", Line(number, pair.question, pair.answer)


def _words_of_field(name: str, problem: object) -> str:
    kind = problem["type"] if isinstance(problem, dict) else ""  # pyright: ignore[reportUnknownVariableType]
    if kind == "string_too_short":
        return f"The {name} is empty."
    if kind == "string_too_long":
        longest = {"question": 500, "answer": 4000}[name]
        return f"The {name} is longer than {longest:,} characters."
    return f"The {name} holds a character that cannot be used."


def _words_of(error: csv.Error) -> str:
    if "field limit" in str(error):
        return "A text is far too long. Is a quotation mark missing?"
    return 'A quotation mark is missing, or stands within a text. Write it twice there, as in ""this"".'


def _refused(line: int, words: str) -> PairFile:
    return PairFile(problems=[(line, words)])
