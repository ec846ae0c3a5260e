"""What the answerer that quotes knows of languages: common words, stemmers, quotation marks and how to begin."""

import re
from collections import Counter

STEMMERS = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
}
LEAD_IN = {
    "en": "From the sources:",
    "de": "Aus den Quellen:",
    "fr": "D’après les sources :",
    "es": "De las fuentes:",
    "it": "Dalle fonti:",
    "pt": "Das fontes:",
    "nl": "Uit de bronnen:",
    "ja": "出典より：",
    "zh": "摘自资料：",
}
QUOTES = {"de": "„{}“", "fr": "« {} »", "es": "«{}»", "it": "«{}»", "ja": "「{}」", "zh": "“{}”"}
_STOP_WORDS = {
    "en": """
        a an and are as at be been but by can could do does for from had has have how i if in into is it its
        me my no not of on or our should so than that the their them there they this to was we were what
        when where which who why will with would you your
    """,
    "de": """
        aber alle als am an auch auf aus bei bin bis das dass dem den der des die dies du ein eine einem
        einen einer er es für habe haben hat ich ihr ihre im in ist kann können man mein mich mir mit muss
        nach nicht noch oder sich sie sind so um und uns unter von vor war was welche wenn wer wie wir wird
        wo zu zum zur über
    """,
    "fr": """
        au aux avec ce ces cette comment dans de des du elle en est et il ils je la le les leur lui ma mais
        me mes mon ne nos notre nous on ou où par pas peut peux pour quand que quel quelle qui sa se ses son
        sont sur un une vos votre vous
    """,
    "es": """
        al como con cuál cuándo cómo de del donde dónde el ella en es esta este está hay la las le lo los me
        mi más no nos o para pero por puede puedo que quién qué se si sin sobre son su sus un una y yo
    """,
    "it": """
        al alla che chi come con cosa da dei del della delle di dove e ho i il in io la le lo ma mi mio nel
        non o per più posso può quale quando quanto se si sono su sul un una è
    """,
    "pt": """
        a ao as com como da das de do dos e em eu me meu minha na no nos não o onde os ou para pela pelo por
        posso qual quando que quem se sem seu sua são um uma é
    """,
    "nl": """
        aan als bij dat de die dit een en er het hoe ik in is je kan met mijn naar niet of om op te tot uit
        van voor waar wanneer wat we welke wie wij zijn
    """,
}
STOP_WORDS = {language: frozenset(words.split()) for language, words in _STOP_WORDS.items()}
"""Words that say little about what is asked; they also tell the languages apart."""
# Kana first, because Japanese has both.
_SCRIPTS = {"ja": re.compile("[\u3040-\u30ff]"), "zh": re.compile("[\u4e00-\u9fff]")}
_WORD = re.compile(r"[^\W_]+")


def guess_language(text: str) -> str:
    """The language of ours whose commonest words the text has most of; "en" when there are none."""
    for language, script in _SCRIPTS.items():
        if script.search(text):
            return language
    words = Counter(_WORD.findall(text.casefold()))
    votes = {language: sum(words[word] for word in stop) for language, stop in STOP_WORDS.items()}
    return max(votes, key=lambda language: votes[language])
