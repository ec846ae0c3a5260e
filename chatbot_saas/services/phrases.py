"""Sentences that a bot is suggested to say, in the languages that a bot can speak."""

from dataclasses import dataclass

Topic = str


@dataclass(frozen=True, slots=True)
class Phrases:
    """`{name}` is the website's, `{title}` a page's."""

    assistant: str
    welcome: str
    fallback: str
    about: str
    """A question that fits every page."""
    topics: dict[Topic, str]
    """A natural question by what a page is about."""


TOPIC_WORDS: dict[Topic, tuple[str, ...]] = {
    "hours": (
        "opening hours", "opening times", "business hours", "öffnungszeiten", "horaires", "heures d'ouverture",
        "horario", "horarios", "orari", "orari di apertura", "horário", "horários", "openingstijden",
        "godziny otwarcia", "営業時間", "营业时间",
    ),
    "prices": (
        "prices", "pricing", "price list", "rates", "preise", "preisliste", "tarife", "prix", "tarifs", "precios",
        "tarifas", "prezzi", "listino prezzi", "preços", "prijzen", "tarieven", "cennik", "ceny", "料金",
        "価格", "价格",
    ),
    "contact": (
        "contact", "contact us", "kontakt", "contactez-nous", "contacto", "contatti", "contattaci", "contato",
        "contacto", "お問い合わせ", "联系我们",
    ),
    "returns": (
        "returns", "returns and refunds", "refunds", "return policy", "rückgabe", "retouren", "widerruf", "retours",
        "retours et remboursements", "devoluciones", "resi", "resi e rimborsi", "devoluções", "retourneren", "zwroty",
        "返品", "退货",
    ),
    "delivery": (
        "delivery", "shipping", "shipping and delivery", "versand", "lieferung", "versand und lieferung", "livraison",
        "envíos", "envío", "spedizione", "spedizioni", "entrega", "envio", "verzending", "bezorging", "dostawa",
        "配送", "配送信息",
    ),
    "place": (
        "how to find us", "directions", "find us", "getting here", "where we are", "anfahrt", "so finden sie uns",
        "accès", "comment venir", "cómo llegar", "dove siamo", "come raggiungerci", "como chegar", "route", "dojazd",
        "アクセス", "交通指南",
    ),
}  # fmt: skip
"""Titles, in lower case, that name a topic."""

_ENGLISH = Phrases(
    "{name} assistant",
    "Hello! I answer questions about {name}. What would you like to know?",
    "I could not find an answer to that on our website.",
    "What can you tell me about “{title}”?",
    {
        "hours": "When are you open?",
        "prices": "What are your prices?",
        "contact": "How can I contact you?",
        "returns": "How do returns and refunds work?",
        "delivery": "How does delivery work?",
        "place": "How do I find you?",
    },
)
BY_LANGUAGE = {
    "en": _ENGLISH,
    "de": Phrases(
        "{name} Assistent",
        "Hallo! Ich beantworte Fragen zu {name}. Was möchten Sie wissen?",
        "Dazu habe ich auf unserer Website leider nichts gefunden.",
        "Was können Sie mir über „{title}“ sagen?",
        {
            "hours": "Wann haben Sie geöffnet?",
            "prices": "Welche Preise haben Sie?",
            "contact": "Wie erreiche ich Sie?",
            "returns": "Wie funktioniert die Rückgabe?",
            "delivery": "Wie funktionieren Versand und Lieferung?",
            "place": "Wie finde ich Sie?",
        },
    ),
    "fr": Phrases(
        "Assistant {name}",
        "Bonjour ! Je réponds à vos questions sur {name}. Que souhaitez-vous savoir ?",
        "Je n’ai pas trouvé de réponse à cette question sur notre site.",
        "Que pouvez-vous me dire sur « {title} » ?",
        {
            "hours": "Quels sont vos horaires d’ouverture ?",
            "prices": "Quels sont vos tarifs ?",
            "contact": "Comment vous contacter ?",
            "returns": "Comment fonctionnent les retours ?",
            "delivery": "Comment se passe la livraison ?",
            "place": "Comment vous trouver ?",
        },
    ),
    "es": Phrases(
        "Asistente de {name}",
        "¡Hola! Respondo preguntas sobre {name}. ¿Qué le gustaría saber?",
        "No he encontrado una respuesta a eso en nuestro sitio web.",
        "¿Qué puede contarme sobre «{title}»?",
        {
            "hours": "¿Cuál es su horario?",
            "prices": "¿Cuáles son sus precios?",
            "contact": "¿Cómo puedo contactar con ustedes?",
            "returns": "¿Cómo funcionan las devoluciones?",
            "delivery": "¿Cómo funciona el envío?",
            "place": "¿Cómo llego hasta ustedes?",
        },
    ),
    "it": Phrases(
        "Assistente {name}",
        "Ciao! Rispondo alle domande su {name}. Che cosa desidera sapere?",
        "Non ho trovato una risposta sul nostro sito.",
        "Che cosa può dirmi su «{title}»?",
        {
            "hours": "Quali sono gli orari di apertura?",
            "prices": "Quali sono i prezzi?",
            "contact": "Come posso contattarvi?",
            "returns": "Come funzionano i resi?",
            "delivery": "Come funziona la spedizione?",
            "place": "Come posso raggiungervi?",
        },
    ),
    "pt": Phrases(
        "Assistente {name}",
        "Olá! Respondo a perguntas sobre {name}. O que gostaria de saber?",
        "Não encontrei uma resposta no nosso site.",
        "O que me pode dizer sobre “{title}”?",
        {
            "hours": "Qual é o vosso horário?",
            "prices": "Quais são os preços?",
            "contact": "Como posso entrar em contacto?",
            "returns": "Como funcionam as devoluções?",
            "delivery": "Como funciona a entrega?",
            "place": "Como chego até vocês?",
        },
    ),
    "nl": Phrases(
        "{name} assistent",
        "Hallo! Ik beantwoord vragen over {name}. Wat wilt u weten?",
        "Daarover heb ik op onze website niets gevonden.",
        "Wat kunt u mij vertellen over ‘{title}’?",
        {
            "hours": "Wat zijn de openingstijden?",
            "prices": "Wat zijn de prijzen?",
            "contact": "Hoe kan ik contact opnemen?",
            "returns": "Hoe werkt retourneren?",
            "delivery": "Hoe werkt de verzending?",
            "place": "Hoe vind ik u?",
        },
    ),
    "pl": Phrases(
        "Asystent {name}",
        "Dzień dobry! Odpowiadam na pytania o {name}. Co chcesz wiedzieć?",
        "Nie znalazłem na to odpowiedzi na naszej stronie.",
        "Co możesz powiedzieć o „{title}”?",
        {
            "hours": "Jakie są godziny otwarcia?",
            "prices": "Jakie są ceny?",
            "contact": "Jak się z Państwem skontaktować?",
            "returns": "Jak działają zwroty?",
            "delivery": "Jak wygląda dostawa?",
            "place": "Jak do Państwa trafić?",
        },
    ),
    "ja": Phrases(
        "{name} アシスタント",
        "こんにちは。{name}についてのご質問にお答えします。何をお知りになりたいですか？",
        "当サイトには、そのご質問への答えが見つかりませんでした。",
        "「{title}」について教えてください。",
        {
            "hours": "営業時間を教えてください。",
            "prices": "料金はいくらですか？",
            "contact": "お問い合わせ方法を教えてください。",
            "returns": "返品はできますか？",
            "delivery": "配送について教えてください。",
            "place": "アクセス方法を教えてください。",
        },
    ),
    "zh": Phrases(
        "{name} 助手",
        "您好！我可以回答有关{name}的问题。您想了解什么？",
        "在我们的网站上没有找到答案。",
        "能介绍一下“{title}”吗？",
        {
            "hours": "营业时间是几点？",
            "prices": "价格是多少？",
            "contact": "如何联系你们？",
            "returns": "如何退货？",
            "delivery": "如何配送？",
            "place": "怎么去你们那里？",
        },
    ),
}


def phrases(language: str) -> Phrases:
    return BY_LANGUAGE.get(language, _ENGLISH)


def topic_of(title: str) -> Topic:
    """What a page of this title is about; empty where a natural question would be a guess."""
    said = " ".join(title.casefold().split()).strip(" .:!")
    return next((topic for topic, words in TOPIC_WORDS.items() if said in words), "")
