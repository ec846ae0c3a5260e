"""What a bot says of its own accord, in the visitor's language. The owner's words (the fallback text) come first."""

from dataclasses import dataclass

from chatbot_saas.schemas.bots import FALLBACK, WELCOME


@dataclass(frozen=True, slots=True)
class Wording:
    unavailable: str
    """Before passages that are quoted because no model answers."""
    leave_message: str
    """When neither a model nor a passage can help."""
    clarify: str
    """Before the choices of a question that could mean several things."""
    read_file: str
    """To whoever gave a file with words that ask for nothing that stands in it; the braces are its name."""
    not_found: str
    """When the sources do not hold it and the owner wrote nothing of their own."""
    greeting: str
    """The same for a greeting."""
    thanks: str
    farewell: str

    def fallback(self, own: str) -> str:
        """The owner's words; ours where they left what a new bot has, which is English."""
        return self.not_found if own.strip() in ("", FALLBACK) else own

    def welcome(self, own: str) -> str:
        return self.greeting if own.strip() in ("", WELCOME) else own


_ENGLISH = Wording(
    "The assistant cannot be reached right now. This is the best passage from the sources:",
    "The assistant cannot be reached right now. Please leave a message and somebody will get back to you.",
    "I am not sure what you mean. Is it about one of these?",
    "I have read {}. What would you like to know about it?",
    FALLBACK,
    WELCOME,
    "You are welcome. Just ask if there is anything else.",
    "Goodbye! Come back any time.",
)
_BY_LANGUAGE = {
    "en": _ENGLISH,
    "de": Wording(
        "Der Assistent ist gerade nicht erreichbar. Das ist die beste Stelle aus den Quellen:",
        "Der Assistent ist gerade nicht erreichbar. Hinterlassen Sie bitte eine Nachricht, dann meldet sich jemand.",
        "Ich bin nicht sicher, was Sie meinen. Geht es um eines davon?",
        "Ich habe {} gelesen. Was möchten Sie daraus wissen?",
        "Dazu habe ich in meinen Quellen nichts gefunden.",
        "Guten Tag! Was möchten Sie wissen?",
        "Gern geschehen. Fragen Sie einfach, wenn noch etwas ist.",
        "Auf Wiedersehen! Fragen Sie gern wieder.",
    ),
    "fr": Wording(
        "L’assistant est injoignable pour le moment. Voici le meilleur passage des sources :",
        "L’assistant est injoignable pour le moment. Laissez un message et quelqu’un vous répondra.",
        "Je ne suis pas sûr de comprendre. S’agit-il de l’un de ces sujets ?",
        "J’ai lu {}. Que souhaitez-vous savoir à ce sujet ?",
        "Je n’ai pas trouvé de réponse à cela dans mes sources.",
        "Bonjour ! Que souhaitez-vous savoir ?",
        "Je vous en prie. N’hésitez pas si vous avez une autre question.",
        "Au revoir et à bientôt !",
    ),
    "es": Wording(
        "El asistente no está disponible en este momento. Este es el mejor pasaje de las fuentes:",
        "El asistente no está disponible en este momento. Deje un mensaje y alguien le responderá.",
        "No estoy seguro de lo que quiere decir. ¿Se trata de alguno de estos temas?",
        "He leído {}. ¿Qué le gustaría saber al respecto?",
        "No he encontrado respuesta a eso en mis fuentes.",
        "¡Hola! ¿Qué le gustaría saber?",
        "De nada. Pregunte si necesita algo más.",
        "¡Adiós! Vuelva cuando quiera.",
    ),
    "it": Wording(
        "L’assistente non è raggiungibile in questo momento. Questo è il passaggio migliore dalle fonti:",
        "L’assistente non è raggiungibile in questo momento. Lasci un messaggio e qualcuno Le risponderà.",
        "Non sono sicuro di aver capito. Si tratta di uno di questi argomenti?",
        "Ho letto {}. Che cosa desidera sapere al riguardo?",
        "Non ho trovato una risposta nelle mie fonti.",
        "Buongiorno! Che cosa desidera sapere?",
        "Prego. Chieda pure se Le serve altro.",
        "Arrivederci! Torni quando vuole.",
    ),
    "pt": Wording(
        "O assistente não está disponível neste momento. Este é o melhor excerto das fontes:",
        "O assistente não está disponível neste momento. Deixe uma mensagem e alguém lhe responderá.",
        "Não tenho a certeza do que quer dizer. É sobre um destes temas?",
        "Li {}. O que gostaria de saber sobre o conteúdo?",
        "Não encontrei resposta a isso nas minhas fontes.",
        "Olá! O que gostaria de saber?",
        "De nada. Pergunte se precisar de mais alguma coisa.",
        "Até breve! Volte quando quiser.",
    ),
    "nl": Wording(
        "De assistent is op dit moment niet bereikbaar. Dit is de beste passage uit de bronnen:",
        "De assistent is op dit moment niet bereikbaar. Laat een bericht achter, dan neemt iemand contact op.",
        "Ik weet niet zeker wat u bedoelt. Gaat het over een van deze onderwerpen?",
        "Ik heb {} gelezen. Wat wilt u daarover weten?",
        "Daarover heb ik in mijn bronnen niets gevonden.",
        "Goedendag! Wat wilt u weten?",
        "Graag gedaan. Vraag gerust als er nog iets is.",
        "Tot ziens! Kom gerust terug.",
    ),
    "pl": Wording(
        "Asystent jest teraz niedostępny. Oto najlepszy fragment ze źródeł:",
        "Asystent jest teraz niedostępny. Proszę zostawić wiadomość, ktoś się odezwie.",
        "Nie jestem pewien, o co chodzi. Czy o jeden z tych tematów?",
        "Plik {} jest przeczytany. O co chodzi w pytaniu?",
        "Nie ma na to odpowiedzi w moich źródłach.",
        "Dzień dobry! W czym mogę pomóc?",
        "Proszę bardzo. W razie innych pytań jestem tutaj.",
        "Do widzenia! Zapraszam ponownie.",
    ),
    "ja": Wording(
        "ただいまアシスタントに接続できません。資料の中で最も近い箇所はこちらです：",
        "ただいまアシスタントに接続できません。メッセージを残していただければ、担当者がご連絡します。",
        "ご質問の意味がはっきりしませんでした。次のどれについてでしょうか？",
        "{} を読みました。何についてお知りになりたいですか？",
        "お探しの内容は資料の中に見つかりませんでした。",
        "こんにちは。何をお知りになりたいですか？",
        "どういたしまして。ほかにもご質問があればどうぞ。",
        "またいつでもどうぞ。失礼いたします。",
    ),
    "zh": Wording(
        "助手暂时无法连接。以下是资料中最相关的内容：",
        "助手暂时无法连接。请留言，我们会有人回复您。",
        "我不太确定您的意思。您想问的是以下哪一项？",
        "我已阅读 {}。您想了解其中的什么内容？",
        "资料中没有找到相关答案。",
        "您好！您想了解什么？",
        "不客气。如有其他问题，欢迎继续提问。",
        "再见！欢迎随时再来。",
    ),
}


def wording(language: str) -> Wording:
    """`language`: two letters; English for those that we do not speak."""
    return _BY_LANGUAGE.get(language, _ENGLISH)
