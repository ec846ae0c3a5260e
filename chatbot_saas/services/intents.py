"""What a visitor wants besides an answer, told by their words alone: a person, or to be contacted.

It only adds an offer under the answer, so a mistake costs a button too many or too few.
"""

import re

from chatbot_saas.schemas.widget import WidgetSettings
from chatbot_saas.services.turns import Turn

_PERSON = re.compile(
    r"""
    (?:talk|speak|chat|connect\ me|put\ me\ through)\ (?:to|with)\ (?:a\ |an\ |the\ |your\ |some)?
        (?:real\ |live\ )?(?:person|human|agent|somebody|someone|one|support|team|representative|advisor)
    | (?:real|live)\ (?:person|human|agent)
    | (?:mit\ )(?:einem\ |einer\ |jemandem\ |dem\ |ihrem\ )?(?:echten\ )?
        (?:menschen|mitarbeiter(?:in)?|berater(?:in)?|person|kundendienst|jemandem)\b.{0,20}(?:sprechen|reden|chatten)
    | parler\ (?:à|avec)\ (?:un\ |une\ |quelqu|votre\ )(?:humain|personne|conseill|agent|.un)
    | hablar\ con\ (?:una?\ |alg|un\ )?(?:persona|humano|agente|asesor|uien)
    | parlare\ con\ (?:una?\ |un'|qualc)?(?:persona|umano|operatore|agente|uno)
    | falar\ com\ (?:uma?\ |alg)?(?:pessoa|humano|atendente|agente|uém)
    | (?:met\ een\ )(?:mens|medewerker|persoon)\ (?:spreken|praten)
    | (?:rozmawia|porozmawia)\S*\ z\ (?:człowiekiem|konsultantem|kimś)
    | (?:bir\ )?(?:insanla|temsilciyle|yetkiliyle)\ (?:konuş|görüş)
    | (?:поговорить|связаться|соедините)\S*\ с\ (?:человеком|оператором|менеджером)
    | (?:التحدث|أتحدث)\ (?:مع|إلى)\ (?:شخص|إنسان|موظف)
    | לדבר\ עם\ (?:נציג|אדם|בן\ אדם|מישהו)
    | 转?人工(?:客服|服务)? | (?:人|オペレーター|担当者)と話
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CONTACT = re.compile(
    r"""
    \b(?:call|phone|ring)\ me\b | \bcontact\ me\b | \bget\ (?:back\ to|in\ touch\ with)\ me\b
    | \b(?:request|want|need|get|like)\ (?:a\ |an\ |your\ )?(?:quote|offer|callback|call\ back|demo|appointment)\b
    | rufen\ sie\ mich | ruft\ mich | kontaktieren\ sie\ mich | melden\ sie\ sich
    | \bangebot\ (?:anfordern|einholen|bekommen|erhalten)
    | rappelez-moi | contactez-moi | demander\ un\ devis | prendre\ rendez-vous
    | ll[aá]m[ae](?:me|nme) | cont[aá]ct(?:a|e|en)me | pedir\ (?:un\ )?presupuesto
    | richiamatemi | contattatemi | richiedere\ un\ preventivo
    | me\ liguem? | entrem\ em\ contato | solicitar\ (?:um\ )?orçamento
    | bel\ mij | neem\ contact\ (?:met\ mij\ )?op | offerte\ aanvragen
    | proszę\ o\ kontakt | zadzwońcie | beni\ arayın | перезвоните\ мне | свяжитесь\ со\ мной
    | اتصلوا\ بي | תתקשרו\ אלי | 联系我 | 给我打电话 | 連絡して | 電話して
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST = 400
"""Characters; who asks for a person does not write a letter first."""


def offer(turn: Turn, settings: WidgetSettings) -> None:
    """Offer what the visitor asks for, and nothing that the owner does not want offered."""
    said = turn.question[:_LONGEST]
    turn.handoff = settings.handoff.enabled and bool(_PERSON.search(said))
    if turn.leave_message and "no_answer" not in settings.lead.when:
        turn.leave_message = False
    if "intent" in settings.lead.when and (_CONTACT.search(said) or _PERSON.search(said)):
        turn.leave_message = True
