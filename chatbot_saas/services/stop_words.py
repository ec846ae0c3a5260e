"""Words that a question is not about, by language. They are left out of what is searched, not of what is stored."""

import re

_LISTS = {
    "en": """
        a an and are as at be been by can could do does did for from get give had has have how i if in into is it its
        me my of on or our please s so tell than that the their them there these they this to us was we were what when
        where which who whom whose why will with would you your about any not no also am should may shall much many
        i'm i've what's there's it's don't doesn't can't
        """,
    "de": """
        aber als am an auch auf aus bei beim bekomme bekommt bin bis bitte da dafür damit dann darf das dass dem den
        denn der des die dies diese diesem dieser doch du durch ein eine einem einen einer eines er es etwas euch eure
        euer für gibt hab habe haben hat hatte ich ihr ihre im in ins ist ja kann kannst können könnt man mehr mein
        meine meinem meinen meiner mich mir mit möchte muss müssen nach nicht noch nur ob oder seit sein sich sie sind
        so soll sollte über um und uns unser unsere unter viel viele vom von vor war warum was welche welchem welchen
        welcher welches wenn wer werden wie wieso wieviel will wir wird wo wofür woher wohin womit wann würde zu zum
        zur
        """,
    "fr": """
        à au aux avec avez ce ces cet cette combien comment d dans de des du elle en est et eux faut il ils j je l la
        le les leur leurs lui m ma mais me mes mon n ne nos notre nous on ont ou où par pas peut peux pour pourquoi qu
        quand que quel quelle quelles quels qui quoi sa se ses si son sont sur t ta te tes ton tu un une vos votre
        vous y c'est est-ce qu'est-ce puis-je j'ai d'un d'une
        """,
    "es": """
        a al algo como con cuál cuáles cuando cuándo cuánto cuánta cuántos cuántas cómo de del donde dónde e el él
        ella en es esta está este esto están hay la las le les lo los me mi mis más muy no nos o para pero por porque
        puede puedo qué que quién quien se ser si sin sobre son su sus también te tengo tiene tienen tu tus un una
        unos unas y ya yo
        """,
    "it": """
        a ad al alla alle agli che chi ci come con cosa cui da dai dal dalla dei del della delle di dove e è ed gli ha
        ho hanno i il in io la le lei lo loro ma mi mia mie mio miei ne nei nel nella non o per perché più posso può
        qual quale quali quando quanto quanta quanti quante se si sia sono su sua sue sul sulla suo suoi tra un una
        uno vi
        """,
    "pt": """
        a ao aos as às até com como da das de do dos e é ela ele em eu há isso isto já mais mas me meu meus minha
        minhas na nas não no nos nós o onde os ou para pela pelas pelo pelos por porque posso pode qual quais quando
        quanto quanta quantos quantas que quem se sem ser seu seus sua suas são tem tenho também um uma umas uns você
        vocês
        """,
    "nl": """
        aan als bij dan dat de deze die dit door een en er gaan had heb hebben heeft het hij hoe hoeveel ik in is ja
        je jij jullie jouw kan kunnen kun maar me mij mijn moet moeten naar niet nog nu of om onze ons ook op over te
        tot u uit uw van veel voor waar waarom wanneer was wat we welke wel wie wij wil wordt zal ze zich zij zijn zo
        """,
    "pl": """
        a aby albo ale bez być był była było czy co dla do gdy gdzie go i ich ile im jak jaka jaki jakie jako jest
        jego jej już każdy kiedy kto która które który lub ma mam mi mnie moja moje mogę może mój na nad nie nam nas o
        od on ona oraz po pod przez przy się są ta tak także tam te tego tej ten to tu tylko w we więc wy z za ze że
        """,
}
STOP_WORDS = {language: frozenset(words.split()) for language, words in _LISTS.items()}
UNSPACED_STOP_WORDS = re.compile(
    "请问|請問|什么时候|什麼時候|什么|什麼|怎么样|怎么|怎麼|怎样|多少|多久|多长|多大|如何|是否|哪些|哪个|哪里|哪儿|哪天|几个|几天|为什么|可以|能不能|"
    "可不可以|是不是|有没有|需要|应该|我们|你们|他们|咱们|一下|的话|还是|以及|或者|"
    "[的了吗呢吧啊呀么嘛我你您他她它是在和与跟给把被让就都也还又才得着过这那哪个几啥]|"
    "どのように|どうすれば|どうやって|どれくらい|どのくらい|いくら|いつ|どこ|どの|なに|何ですか|ください|ですか|ますか|ません|でしょうか"
)
"""Chinese and Japanese words of that kind: what they stand between are no pairs of neighbours."""
