"""Whether a question needs what was said before it, told by its words alone: microseconds, no model.

Three things give a follow-up away: how it begins ("and at weekends?"), a word that stands for something named before
("what does that cost"), and that it names next to nothing itself ("until when?"). What looks like such a word often is
none ("is it possible to", „gibt es“), or stands for something in the same sentence ("when she opened").

Both mistakes cost something: a needless rewriting a short call to a model, a missed follow-up an answer. Measured by
benchmarks/standalone.py.
"""

import re
from collections.abc import Sequence

from chatbot_saas.adapters.llm import Message
from chatbot_saas.adapters.llm.languages import STOP_WORDS, guess_language

_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_CODE = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[\w-]{3,}")
"""E-11, JY-F21: whoever names such a thing says what is meant."""

SHORT_WORDS, SHORT_CHARACTERS = 3, 8
MOST_BEFORE = 2
"""Content words before a pronoun: with more of them, what it stands for is likely in the same sentence."""

_CONNECTIVES = {
    "en": r"and|but|or|also|so|then|what about|how about|what if|same|why so|ok(?:ay)?,? (?:and|but)",
    "de": r"und|oder|aber|also|dann|auch|sowie|was ist mit|wie (?:ist|sieht) es (?:mit|bei)",
    "fr": r"et|mais|ou|donc|alors|aussi|pareil",
    "es": r"y|e|pero|o|entonces|también|qué tal",
    "it": r"e|ed|ma|o|allora|anche|quindi",
    "pt": r"e|mas|ou|então|também",
    "nl": r"en|maar|of|dus|ook|dan",
    "zh": r"还有|然后|另外|以及|和|跟|或者|如果|要是|那么?",
    "ja": r"それ|その|これ|じゃあ?|では|あと|ちなみに|でも",
}
_PRONOUNS = {
    "en": """
        it its they them their theirs those these this that one ones she he her him his hers there same latter former
        else another others instead
    """,
    "de": """
        sie er ihn ihm ihnen sein seine seinen seiner seines ihre ihren ihrer ihres diese dieser dieses diesen diesem
        dafür davon damit dabei dazu daran darauf darin daraus dagegen danach davor drin dort dann sonst letzteres
        letztere letzterer ersteres erstere welche welcher welches derselbe dieselbe dasselbe
    """,
    "fr": "il elle ils elles le la les lui leur leurs cela ça ceci celui celle ceux celles y en dedans autrement",
    "es": "él ella ellos ellas lo le les eso esto ese esa esos esas aquel ahí allí entonces mismo misma",
    "it": "lui lei loro esso essa questo questa quello quella questi quelli ne ci lì stesso stessa",
    "pt": "ele ela eles elas isso isto esse essa aquele aquela lá mesmo mesma",
    "nl": "hij zij ze hem haar hun dit dat deze die er daarvan daarmee daarvoor daarbij erop ervan",
}
_POINTS = {language: frozenset(words.split()) for language, words in _PRONOUNS.items()}
_ARTICLES = {
    "de": frozenset(["der", "die", "das", "den", "dem"]),
    "fr": frozenset(["le", "la", "les", "en", "y", "il", "lui"]),
}
"""Stand for something only where no noun follows (German), or say too little to be counted."""
_ADVERBS = frozenset(["auch", "noch", "denn", "dann", "nicht", "eigentlich", "alle"])
_EXPLETIVE = {
    "en": re.compile(
        r"\b(?:is|was|would|will|isn't) it (?:be )?(?:\w+ )?(?:possible|true|necessary|ok(?:ay)?|allowed|safe|legal"
        r"|worth|better|best|enough|required|normal|mandatory|permitted|free to|hard|easy|too late|that)\b"
        r"|\bit(?:'s| is) (?:\w+ )?(?:possible|true|necessary|allowed|required)\b|\bhow is it that\b"
        r"|\bit (?:costs?|takes?) to\b"
        r"|\b(?:is|are|was|were|will|isn't|aren't) there\b|\bthere (?:is|are|was|were)\b|\bthat (?:the|i|you|we|a|an)\b"
        r"|\bone (?:of|day|week|month|year|hour|person|night|time)\b"
        r"|\bthis (?:week|month|year|evening|weekend|morning)\b"
        r"|\bsame(?:-| )day\b|\b(?:or|anything|something|someone|anyone|who|what) else\b",
        re.IGNORECASE,
    ),
    "de": re.compile(r"\bda(?:zu|für|von|mit|ran|rauf|bei),|\bwelche[rsnm]? +\w+", re.IGNORECASE),
}
_EMPTY = {
    "en": """
        much many long often far soon get got need want like know take takes cost costs cover happens happen exactly too
        also still even any some other just please thanks thank hi hello ok yes no did use make makes give gives go goes
        will would may might must shall been being who whom whose old day days time times now up back again more most
        less than then so such same different ones per until till since first second last next am
        i'm i've i'll i'd it's that's what's
    """,
    "de": """
        kostet kosten viel viele lange oft weit bitte danke gilt gelten gibt geben geht gehen macht machen braucht
        brauche heißt genau noch schon auch dann ja nein hallo welche welcher welches welchen welchem wem wen wessen
        wann wo was wie warum wieso darf dürfen soll sollte will muss müssen bekomme bekommt pro bis ab seit
    """,
}
_NOTHING = {
    language: STOP_WORDS.get(language, frozenset[str]()) | frozenset(_EMPTY.get(language, "").split())
    for language in _CONNECTIVES
}
_ZH_POINTS = re.compile("[它他她]们?|这(?!里的)|那[个些种样里边家]|其他|其它|最后|前者|后者|上面|刚才|呢[？?。 ]*$")
_ZH_OWN = re.compile("其他人")
_LAST_ALONE = re.compile(
    r"\b(?:der|die|das|den|dem|beim|zum)\s+(?:Letzten?|Ersten?|Zweiten?|Dritten?)\b(?!\s+[A-ZÄÖÜ])"
)


def needs_context(question: str, history: Sequence[Message], language: str = "") -> bool:
    """Whether the question cannot be understood without `history` (oldest first, the question itself not in it).

    `language`: two letters; empty or "auto" to guess.
    """
    if not any(message.role == "user" for message in history) or not question.strip():
        return False
    if _UNSPACED.search(question):
        return _unspaced_needs(question)
    spoken = language_of(question, language)
    text = " ".join(question.split())
    if re.match(rf"(?:{_CONNECTIVES.get(spoken, _CONNECTIVES['en'])})\b", text, re.IGNORECASE):
        return True
    words = _WORD.findall(text)
    if _points_back(text, words, spoken):
        return True
    if _CODE.search(text) or (spoken == "en" and any(w[0].isupper() and w not in ("I", "I'm") for w in words[1:])):
        return False
    names = content_words(text, spoken)
    return (
        len(words) <= SHORT_WORDS or len(names) <= 1 or (len(words) <= SHORT_WORDS + 1 and _is_definite(words, spoken))
    )


def language_of(question: str, language: str) -> str:
    return language[:2].lower() if language and language != "auto" else guess_language(question)


def content_words(text: str, language: str) -> list[str]:
    """The words that say what it is about, as they stand there."""
    nothing = _NOTHING.get(language, STOP_WORDS.get(language, frozenset[str]()))
    return [word for word in _WORD.findall(text) if word.casefold().replace("’", "'") not in nothing]


def _points_back(text: str, words: Sequence[str], language: str) -> bool:
    """Whether a word stands for something that was named before."""
    if language == "de" and _LAST_ALONE.search(text):
        return True
    expletive = _EXPLETIVE.get(language)
    plain = expletive.sub(" ", text) if expletive else text
    points = _POINTS.get(language, frozenset[str]())
    articles = _ARTICLES.get(language, frozenset[str]())
    for match in _WORD.finditer(plain):
        word = match[0]
        if language == "de" and word == "Sie":
            continue  # the polite form
        alone = word.casefold() in articles and language == "de" and _stands_alone(plain, match)
        if not alone and (word.casefold() not in points or word.casefold() in articles):
            continue
        before = plain[: match.start()]
        names = content_words(before, language)
        own = language == "en" and any(name[0].isupper() for name in _WORD.findall(before)[1:] if name != "I")
        own = own or (language == "en" and len(names) > 1 and " and " in before)
        if len(names) <= MOST_BEFORE and not own:
            return True
    return False


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    """Whether „die“ or „das“ is no article: no noun follows within two words, and it begins no clause."""
    if text[: match.start()].rstrip().endswith(","):
        return False
    following = _WORD.findall(text[match.end() :])[:2]
    if following and following[0] in _ADVERBS:
        return True
    return not any(word[0].isupper() or word[0].isdigit() for word in following)


def _is_definite(words: Sequence[str], language: str) -> bool:
    """ "Is the battery included?": the one of what was spoken of."""
    return language == "en" and "the" in [word.casefold() for word in words]


def _unspaced_needs(question: str) -> bool:
    text = _ZH_OWN.sub("", "".join(question.split()))
    length = len(re.sub(r"\W", "", text))
    language = "ja" if re.search("[\u3040-\u30ff]", text) else "zh"
    if _ZH_POINTS.search(text):
        return True
    begins = re.match(_CONNECTIVES[language], text)
    if begins and length <= 2 * SHORT_CHARACTERS:
        return True
    return length <= SHORT_CHARACTERS and not _CODE.search(text)
