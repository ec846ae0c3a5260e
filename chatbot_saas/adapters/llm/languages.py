"""What the answerer that quotes knows of languages: common words, stemmers, quotation marks and how to begin."""

import re

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
    "en": "From “{}”:",
    "de": "Aus „{}“:",
    "fr": "D’après « {} » :",
    "es": "De «{}»:",
    "it": "Da «{}»:",
    "pt": "De «{}»:",
    "nl": "Uit ‘{}’:",
    "pl": "Z dokumentu „{}”:",
    "ja": "「{}」より：",
    "zh": "摘自《{}》：",
}
"""Says that what follows is quoted, and from which document."""
QUOTES = {
    "de": "„{}“",
    "fr": "« {} »",
    "es": "«{}»",
    "it": "«{}»",
    "pt": "«{}»",
    "pl": "„{}”",
    "ja": "「{}」",
}
CONNECTIVE = re.compile(
    r"(?:it|its|they|their|them|this|these|that|those|he|she|his|her|however|also|then|there|otherwise|but|and|so|"
    r"in this case|in that case|after that|afterwards|additionally|moreover|therefore|instead|both|such|"
    r"er|sie(?! (?:können|müssen|haben|sollten|dürfen|erhalten|brauchen|finden|möchten|wollen)\b)|es|dies\w{0,2}|"
    r"das (?:ist|gilt|kostet|geht|kann|wird|hat)|jene\w?|dort|dann|danach|dazu|dabei|darauf|daher|deshalb|"
    r"außerdem|allerdings|jedoch|"
    r"aber|sonst|andernfalls|anschließend|zudem|auch|dadurch|damit|"
    r"il (?:est|sera|faut|peut|a)|elle|ils|elles|ce|cet|cette|ces|cela|celui|celle|cependant|toutefois|"
    r"ensuite|de plus|sinon|mais|"
    r"este|esta|estos|estas|esto|ese|esa|eso|ello|además|sin embargo|luego|después|pero|"
    r"questo|questa|questi|queste|esso|essa|inoltre|tuttavia|però|poi|altrimenti|"
    r"ele|ela|eles|elas|isto|isso|além disso|porém|depois|caso contrário|"
    r"het (?:is|kan|wordt)|hij|zij|ze|dit|deze|dat|echter|bovendien|daarna|anders|ook|"
    r"ona|ono|oni|jednak|ponadto|następnie|również)\b"
    r"|它|他|她|这|该|此|其|那|但|不过|另外|然后|否则|因此|所以|同时|之后|也|これ|それ|この|その|また|しかし|ただし|さらに|そして|なお",
    re.IGNORECASE,
)
"""How sentences begin that cannot be understood without the one before."""
WANTS_ALL = re.compile(
    r"how (?:do|can|to|should)|steps|which\b.*s\b|what (?:are|do i need)|list|wie (?:kann|mache|geht|funktion)|schritt|"
    r"welche\b|comment|étapes|quels|quelles|cómo|pasos|cuáles|come\b|passi|quali|como\b|passos|quais|"
    r"hoe (?:kan|moet)|stappen|welke|jak\b|kroki|jakie|哪些|哪几|步骤|怎么|怎样|如何|手順|方法|どうやって",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?<![a-z\d])(?<![a-z\d]-)\d|"
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|first|second|"
    r"third|half|once|twice|daily|weekly|monthly|every|"
    r"eine?[mnrs]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|einmal|zweimal|täglich|wöchentlich|"
    r"monatlich|deux|trois|quatre|cinq|dos|tres|cuatro|"
    r"due|tre|quattro|dois|três|twee|drie|vier|dwa|trzy)\b|[一二两三四五六七八九十百千半]",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\d[\d.,]*\s?(?:€|\$|£|¥|eur|usd|chf|pence|euro|pounds?|zł|元|块|円|%|per ?cent|prozent)|[€$£¥]\s?\d|"
    r"\b(?:euros?|dollars?|cents?|pence|pounds|francs?|franken|złot\w+)\b|"  # also after a number in words
    r"\bfree\b|kostenlos|gratis|gratuit|grátis|免费|無料|元",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"\d{1,2}[:.]\d\d|\b\d{1,4}\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b\w+(?:tag|woche|monat|jahr)\w*\b|"
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|"
    r"winter|evening|morning|night|noon|midnight|day|week|month|year|hour|minute)s?\b|"
    r"januar|februar|märz|mai\b|juni|juli|oktober|dezember|uhr\b|minuten?|stunden?|[年月日号点周]|分钟|小时|星期|季",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r"\b(?:in|at|on|near|behind|under|opposite|next to|beside|floor|street|road|room|im|am|an|auf|hinter|neben|unter|"
    r"gegenüber|straße|raum|stock|etage|dans|à|rue|en|calle|via|rua|op|naast|w|na|ul)\b|[层楼路街号室区]|旁|对面",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"(?<=[a-zäöüß,;] )(?!I\b)[A-ZÄÖÜ][a-zäöüßéèáóñ]+(?: [A-ZÄÖÜ][\w'’-]+)+|\b(?:mr|mrs|ms|dr|herr|herrn|frau|manager|"
    r"team|leader|director|leiter\w*|by)\b|经理|主管|先生|女士|老师|部门|负责|人员",
)
_PHONES = re.compile(r"\d[\d /()-]{5,}\d")
_WEIGHTS = re.compile(
    r"\d\s?(?:kg|kilo\w*|g|gramm?s?|gramos?|pounds?|lbs?|tonn?es?|tonnen?|公斤|千克|克|吨|キロ|グラム)(?![a-z])",
    re.IGNORECASE,
)
ASKS_FOR_PHONE = re.compile(
    r"phone number|number (?:to|can i|do i) call|telefonnummer|rufnummer|numéro de téléphone|"
    r"número de tel[eé]fon|numero di telefono|telefoonnummer|numer telefonu|电话(?:号|是|多少)|電話番号",
    re.IGNORECASE,
)
MEASURES = (
    (
        re.compile(
            r"how (?:many|much|long|old|often|far|soon|big|large|heavy|tall|high|late|early|fast|hot|deep)|what time|"
            r"wie ?viele?|wie (?:lange|oft|weit|hoch|groß|schwer|alt|schnell|spät|früh|heiß)|combien|cu[aá]nt|"
            r"\bquant[ioea]\b|hoeveel|hoe (?:lang|vaak)|\bile\b|多[少久长大远高重深宽快厚]|几|"
            r"いくつ|何[人個日時年歳枚分回円月名本台曜]",
            re.IGNORECASE,
        ),
        _NUMBERS,
    ),
    (
        re.compile(
            r"\b(?:costs?|prices?|fees?|expensive|cheap(?:er)?|how much|"
            r"what (?:do|must|will|would) \w+ (?:pay|charge))\b|kosten|kostet|preis|gebühr|teuer|"
            r"(?:was|wie ?viel)\b.{0,30}zahl|prix|coût|"
            r"cuesta|precio|\bcosta\b|prezzo|preço|\bcusta\b|kost|prijs|koszt|\bcen[ay]\b|多少钱|价格|费用|收费|いくら|料金",
            re.IGNORECASE,
        ),
        _MONEY,
    ),
    (
        re.compile(
            r"\bwhen\b|what (?:time|day|date)|how (?:long|soon|often|late|early)|until|deadline|\bwann\b|bis wann|"
            r"wie (?:lange|oft|spät|früh)|uhr\b|frist|quand|cu[aá]ndo|\bquando|wanneer|kiedy|"
            r"什么时候|几点|多久|何时|哪天|いつ",
            re.IGNORECASE,
        ),
        _TIMES,
    ),
    (
        ASKS_FOR_PHONE,
        _PHONES,
    ),
    (
        re.compile(
            r"how heavy|\bweighs?\b|wie schwer|wiegt|gewicht|\bpoids\b|\bpèse|\bpes[ao]\b|weegt|"
            r"\bważy\b|多重|重多少|重量|重さ",
            re.IGNORECASE,
        ),
        _WEIGHTS,
    ),
)
"""What a question asks for -> what tells it: a sentence without is no answer."""
KINDS = (
    *MEASURES,
    (
        re.compile(
            r"\bwhere\b|\bwo(?:hin|her)?\b|\boù\b|d[oó]nde|\bdove\b|\bonde\b|\bwaar\b|gdzie|哪里|哪儿|在哪|どこ", re.I
        ),
        _PLACES,
    ),
    (
        re.compile(r"\bwho(?:m|se)?\b|\bwe[rmn]\b|\bqui\b|quién|\bchi\b|\bquem\b|\bwie is\b|\bkto\b|谁|誰", re.I),
        _PEOPLE,
    ),
)
"""What a question asks for -> what a sentence then should hold."""
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
    "pl": """
        a ale bo by być co czy dla do gdzie i ich jak jest jestem już kiedy kto która które który lub ma mi
        mnie moja mogę można mój na nie o od po przez przy się są ta to tym w we z za że ile jaki jakie
    """,
}
STOP_WORDS = {language: frozenset(words.split()) for language, words in _STOP_WORDS.items()}
"""Words that say little about what is asked; they also tell the languages apart."""
_SPOKEN_WITH = {
    word: [language for language, words in STOP_WORDS.items() if word in words]
    for word in frozenset[str]().union(*STOP_WORDS.values())
}
# Kana first, because Japanese has both.
_SCRIPTS = {"ja": re.compile("[\u3040-\u30ff]"), "zh": re.compile("[\u4e00-\u9fff]")}
_WORD = re.compile(r"[^\W_]+")


def guess_language(text: str) -> str:
    """The language of ours whose commonest words the text has most of; "en" when there are none."""
    for language, script in _SCRIPTS.items():
        if script.search(text):
            return language
    votes = dict.fromkeys(STOP_WORDS, 0)
    for word in _WORD.findall(text.casefold()):
        for language in _SPOKEN_WITH.get(word, ()):
            votes[language] += 1
    return max(votes, key=lambda language: votes[language])
