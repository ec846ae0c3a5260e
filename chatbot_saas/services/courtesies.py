"""What asks for nothing: a greeting, thanks, a farewell. Nothing is looked up for it and no model is asked.

Only a message that is made of such words alone is one: "hello, when are you open?" is a question.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

Kind = Literal["greeting", "thanks", "farewell"]
COURTESY = "courtesy"
"""In a trace, in place of the model's name."""

_WORDS: dict[Kind, dict[str, str]] = {
    "thanks": {
        "en": "thanks|thank you|many thanks|thx|cheers|much appreciated",
        "de": "danke(?: ?schön)?|(?:vielen|besten|herzlichen|tausend|lieben) dank",
        "fr": "(?:un grand )?merci",
        "es": "gracias",
        "it": "grazie",
        "pt": "obrigad[oa]",
        "nl": "bedankt|dank (?:je|u)|dankjewel|dankuwel",
        "pl": "dziękuję|dziekuje|dzięki|dzieki",
        "ja": "(?:どうも)?ありがとう(?:ございま(?:す|した))?|どうも|助かりました",
        "zh": "(?:太|非常|十分)?(?:感谢|感謝|谢谢|謝謝|多谢)",
    },
    "farewell": {
        "en": "bye(?: bye)?|good ?bye|see you|take care|good night|have a (?:nice|good|great) (?:day|evening|weekend)",
        "de": "tschüss|tschuess|auf wiedersehen|bis bald|(?:einen )?schönen (?:tag|abend)|gute nacht",
        "fr": "au revoir|à bientôt|bonne (?:journée|soirée|nuit)",
        "es": "adi[oó]s|hasta (?:luego|pronto)",
        "it": "arrivederci|buona (?:giornata|notte)",
        "pt": "tchau|adeus|até logo",
        "nl": "tot ziens|doei",
        "pl": "do widzenia|na razie",
        "ja": "さようなら|さよなら|おやすみ(?:なさい)?|失礼します",
        "zh": "再见|再見|拜拜|晚安",
    },
    "greeting": {
        "en": "hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)",
        "de": "hallo|hi|moin(?: moin)?|servus|grüezi|grüss (?:gott|dich|sie)|guten (?:morgen|tag|abend)",
        "fr": "bonjour|bonsoir|salut|coucou",
        "es": "hola|buen(?:os|as) (?:d[ií]as|tardes|noches)|buenas",
        "it": "ciao|salve|buon ?giorno|buona ?sera",
        "pt": "ol[aá]|oi|bom dia|boa (?:tarde|noite)",
        "nl": "hallo|hoi|goede(?:morgen|middag|navond|ndag)|goede (?:morgen|middag|avond)",
        "pl": "cześć|czesc|witam|witaj|hej|dzień dobry|dzien dobry|dobry wieczór",
        "ja": "こんにち[はわ]|こんばん[はわ]|おはよう(?:ございます)?|はじめまして",
        "zh": "你好|您好|大家好|(?:早上|上午|下午|晚上)好|嗨|哈喽",
    },
}
_BESIDE = (
    "there|all|everyone|again|so much|very much|a lot|for (?:your|the) help|for that|that(?:'s| is) all|"
    "(?:that(?:'s| was| is) )?(?:very )?(?:helpful|great|perfect)|you too|"
    "zusammen|nochmals?|sehr|vielmals|ihnen|dir|euch|für (?:die|ihre|deine) (?:hilfe|auskunft|info)|"
    "beaucoup|bien|muchas|mil|mille|molte|tante|muito|hartelijk|heel|erg|wel|bardzo|à tous|a todos|a tutti|"
    "ok|okay|super|prima|alles klar|gut|parfait|perfecto|perfetto|perfeito|świetnie|und|and|y|et|e|"
    "好的|了|啦|您|你|はい|本当に"
)
"""What stands beside such words and says nothing else."""


def _whole(words: str) -> re.Pattern[str]:
    """Words of scripts with spaces stand alone; those of others are followed by what they are."""
    return re.compile(rf"(?:{words})(?![a-zà-žß'])")


_KINDS: list[tuple[Kind, str, re.Pattern[str]]] = [
    (kind, language, _whole(words)) for kind, of in _WORDS.items() for language, words in of.items()
]
_MORE = _whole(_BESIDE)
_GAP = re.compile(r"[\W_]+")
_LONGEST = 80
"""Characters."""


@dataclass(frozen=True, slots=True)
class Courtesy:
    kind: Kind
    languages: list[str]
    """That have such a word, the likeliest first."""


def courtesy(text: str) -> Courtesy | None:
    """None for what says anything else. Of thanks with a greeting or a farewell the thanks count."""
    if len(text) > _LONGEST:
        return None
    said = text.casefold().replace("’", "'")
    found: dict[Kind, list[str]] = {}
    place = 0
    while place < len(said):
        if gap := _GAP.match(said, place):
            place = gap.end()
            continue
        ends: list[tuple[int, Kind, str]] = [
            (match.end(), kind, of) for kind, of, word in _KINDS if (match := word.match(said, place))
        ]
        more = _MORE.match(said, place)
        end = max([*(end for end, _, _ in ends), more.end() if more else 0])
        if not end:
            return None
        here: defaultdict[Kind, list[str]] = defaultdict(list)
        for reached, kind, language in ends:
            if reached == end:
                here[kind].append(language)
        found = {**here, **found}
        place = end
    return next((Courtesy(kind, found[kind]) for kind in _WORDS if kind in found), None)
