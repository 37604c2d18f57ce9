"""Our own words to customers, in each language we ship. Nothing else that Deskhand says on its own is written elsewhere.

The invariant: every language has every phrase. A language we do not ship is answered in English.
"""

from dataclasses import dataclass

from deskhand.words import words


@dataclass(frozen=True, slots=True)
class Texts:
    """The phrases of one language.

    `unknown` says that there is no answer and offers a person, `unknown_part` that there is none to a part; `nearest` that there is
    none for sure, but what comes near, which is listed below it, and `nearest_more` below that what may be done; `withheld` that
    there is none that can be proven; `which` asks what of several things is meant, which are listed below it; `handed_over`
    says that one will answer;
    `person_joined` has the person's `{name}` in it.
    """

    greeting: str
    thanks: str
    goodbye: str
    unknown: str
    unknown_part: str
    nearest: str
    nearest_more: str
    unclear: str
    which: str
    search_failed: str
    withheld: str
    handed_over: str
    handed_over_after_failures: str
    handed_over_urgently: str
    with_a_person: str
    person_joined: str
    person_left: str
    person_later: str
    solved: str
    given_back: str
    remembered: str
    recalled: str
    nothing_known: str
    forgotten: str
    forgotten_in_session: str


_ENGLISH = Texts(
    greeting="Hello! What can I help you with?",
    thanks="You're welcome! Is there anything else I can help with?",
    goodbye="Goodbye, and thank you for getting in touch.",
    unknown="I don't know: I found nothing about this in our documents. Would you like to talk to a person?",
    unknown_part="I found nothing about the rest of your question in our documents.",
    nearest="I found no sure answer to this in our documents. These parts of them come nearest:",
    nearest_more="Reply with a number, ask in other words, or tell me if you would like to talk to a person.",
    unclear="Could you tell me a little more about what you need?",
    withheld="I can't confirm an answer to this from what I have here, so I'd rather not guess. Would you like to talk to a person?",
    which="Which of these do you mean?",
    search_failed=(
        "I can't look into our documents at the moment. Please try again shortly, or tell me if you would like to talk to a person."
    ),
    handed_over="I'm handing this conversation over to a colleague, who will answer you here.",
    handed_over_after_failures=(
        "I haven't been able to help so far, so I'm handing this conversation over to a colleague, who will answer you here."
    ),
    handed_over_urgently=(
        "I'm handing this conversation over to a colleague right away. If you or someone else is in danger, please call your "
        "local emergency number now."
    ),
    with_a_person="A colleague has your message and will answer you here.",
    person_joined="{name} has joined the conversation.",
    person_left="We are finding another colleague for you, who will answer you here.",
    person_later="We are looking into this and will come back to you here.",
    solved="This was marked as solved. Write here at any time if something is left.",
    given_back="You are talking to our assistant again. Just ask if you would like a person.",
    remembered="Noted, I'll remember that.",
    recalled="This is what I remember about you:",
    nothing_known="I don't remember anything about you.",
    forgotten="Done. I have forgotten what I remembered about you.",
    forgotten_in_session="Done. I have forgotten the notes I made in this conversation.",
)

_GERMAN = Texts(
    greeting="Hallo! Wobei kann ich Ihnen helfen?",
    thanks="Gern geschehen! Kann ich sonst noch etwas für Sie tun?",
    goodbye="Auf Wiedersehen, und danke für Ihre Nachricht.",
    unknown="Das weiß ich nicht: In unseren Unterlagen habe ich dazu nichts gefunden. Möchten Sie mit einem Menschen sprechen?",
    unknown_part="Zum Rest Ihrer Frage habe ich in unseren Unterlagen nichts gefunden.",
    nearest="Eine sichere Antwort darauf habe ich in unseren Unterlagen nicht gefunden. Am nächsten kommen diese Stellen:",
    nearest_more=(
        "Antworten Sie mit einer Nummer, fragen Sie mit anderen Worten, oder sagen Sie mir, wenn Sie mit einem Menschen sprechen möchten."
    ),
    unclear="Können Sie mir etwas genauer sagen, was Sie brauchen?",
    withheld="Ich kann das mit dem, was mir vorliegt, nicht belegen und möchte nicht raten. Möchten Sie mit einem Menschen sprechen?",
    which="Was davon meinen Sie?",
    search_failed=(
        "Ich kann gerade nicht in unseren Unterlagen nachsehen. Bitte versuchen Sie es gleich noch einmal, "
        "oder sagen Sie mir, wenn Sie mit einem Menschen sprechen möchten."
    ),
    handed_over="Ich übergebe dieses Gespräch an eine Kollegin oder einen Kollegen. Die Antwort kommt hier.",
    handed_over_after_failures=(
        "Bisher konnte ich Ihnen nicht helfen. Ich übergebe dieses Gespräch deshalb an eine Kollegin oder einen Kollegen. Die "
        "Antwort kommt hier."
    ),
    handed_over_urgently=(
        "Ich übergebe dieses Gespräch sofort an eine Kollegin oder einen Kollegen. Wenn Sie oder andere in Gefahr sind, rufen "
        "Sie bitte jetzt den Notruf an."
    ),
    with_a_person="Ihre Nachricht ist bei uns angekommen. Die Antwort einer Kollegin oder eines Kollegen kommt hier.",
    person_joined="{name} ist jetzt für Sie da.",
    person_left="Wir suchen eine andere Kollegin oder einen anderen Kollegen für Sie. Die Antwort kommt hier.",
    person_later="Wir kümmern uns darum und melden uns hier wieder bei Ihnen.",
    solved="Das Anliegen gilt als gelöst. Schreiben Sie jederzeit hier weiter, wenn noch etwas offen ist.",
    given_back="Sie sprechen wieder mit unserem Assistenten. Sagen Sie einfach, wenn Sie einen Menschen möchten.",
    remembered="Notiert, das merke ich mir.",
    recalled="Das weiß ich über Sie:",
    nothing_known="Ich habe mir nichts über Sie gemerkt.",
    forgotten="Erledigt. Ich habe vergessen, was ich über Sie wusste.",
    forgotten_in_session="Erledigt. Ich habe die Notizen aus diesem Gespräch vergessen.",
)

_FRENCH = Texts(
    greeting="Bonjour ! En quoi puis-je vous aider ?",
    thanks="Avec plaisir ! Puis-je vous aider pour autre chose ?",
    goodbye="Au revoir, et merci de nous avoir contactés.",
    unknown="Je ne sais pas : je n'ai rien trouvé à ce sujet dans nos documents. Souhaitez-vous parler à une personne ?",
    unknown_part="Je n'ai rien trouvé dans nos documents sur le reste de votre question.",
    nearest="Je n'ai pas trouvé de réponse sûre à ce sujet dans nos documents. Voici les passages qui s'en approchent le plus :",
    nearest_more="Répondez par un numéro, posez la question autrement, ou dites-moi si vous souhaitez parler à une personne.",
    unclear="Pouvez-vous préciser un peu votre besoin ?",
    withheld="Je ne peux pas confirmer la réponse avec ce que j'ai ici, et je préfère ne pas deviner. Voulez-vous parler à une personne ?",
    which="Duquel s'agit-il ?",
    search_failed=(
        "Je ne peux pas consulter nos documents pour le moment. Veuillez réessayer dans un instant, "
        "ou dites-moi si vous souhaitez parler à une personne."
    ),
    handed_over="Je transmets cette conversation à un collègue, qui vous répondra ici.",
    handed_over_after_failures=(
        "Je n'ai pas pu vous aider jusqu'ici. Je transmets donc cette conversation à un collègue, qui vous répondra ici."
    ),
    handed_over_urgently=(
        "Je transmets immédiatement cette conversation à un collègue. Si vous ou quelqu'un d'autre êtes en danger, appelez dès"
        " maintenant les secours."
    ),
    with_a_person="Un collègue a votre message et vous répondra ici.",
    person_joined="{name} a rejoint la conversation.",
    person_left="Nous cherchons un autre collègue, qui vous répondra ici.",
    person_later="Nous examinons votre demande et reviendrons vers vous ici.",
    solved="Votre demande est considérée comme résolue. Écrivez ici à tout moment s'il reste quelque chose.",
    given_back="Vous parlez de nouveau à notre assistant. Dites-le si vous souhaitez parler à une personne.",
    remembered="C'est noté, je m'en souviendrai.",
    recalled="Voici ce dont je me souviens à votre sujet :",
    nothing_known="Je ne me souviens de rien à votre sujet.",
    forgotten="C'est fait. J'ai oublié ce que je savais de vous.",
    forgotten_in_session="C'est fait. J'ai oublié les notes de cette conversation.",
)

_SPANISH = Texts(
    greeting="¡Hola! ¿En qué puedo ayudarle?",
    thanks="¡De nada! ¿Puedo ayudarle en algo más?",
    goodbye="Hasta luego, y gracias por escribirnos.",
    unknown="No lo sé: no he encontrado nada sobre esto en nuestros documentos. ¿Quiere hablar con una persona?",
    unknown_part="Sobre el resto de su pregunta no he encontrado nada en nuestros documentos.",
    nearest="No he encontrado una respuesta segura a esto en nuestros documentos. Esto es lo que más se acerca:",
    nearest_more="Responda con un número, pregunte con otras palabras, o dígame si quiere hablar con una persona.",
    unclear="¿Puede decirme con más detalle qué necesita?",
    withheld="No puedo confirmar la respuesta con lo que tengo aquí y prefiero no adivinar. ¿Quiere hablar con una persona?",
    which="¿A cuál de estos se refiere?",
    search_failed=(
        "Ahora mismo no puedo consultar nuestros documentos. Inténtelo de nuevo en un momento, o dígame si quiere hablar con una persona."
    ),
    handed_over="Paso esta conversación a un compañero, que le responderá aquí.",
    handed_over_after_failures=(
        "Hasta ahora no he podido ayudarle. Por eso paso esta conversación a un compañero, que le responderá aquí."
    ),
    handed_over_urgently=(
        "Paso esta conversación de inmediato a un compañero. Si usted u otra persona está en peligro, llame ahora al número de emergencias."
    ),
    with_a_person="Un compañero tiene su mensaje y le responderá aquí.",
    person_joined="{name} se ha unido a la conversación.",
    person_left="Estamos buscando a otro compañero, que le responderá aquí.",
    person_later="Lo estamos revisando y le responderemos aquí.",
    solved="Su consulta se ha marcado como resuelta. Escriba aquí cuando quiera si queda algo pendiente.",
    given_back="Vuelve a hablar con nuestro asistente. Díganos si prefiere hablar con una persona.",
    remembered="Anotado, lo recordaré.",
    recalled="Esto es lo que recuerdo de usted:",
    nothing_known="No recuerdo nada sobre usted.",
    forgotten="Hecho. He olvidado lo que recordaba de usted.",
    forgotten_in_session="Hecho. He olvidado las notas de esta conversación.",
)

_ITALIAN = Texts(
    greeting="Buongiorno! In che cosa posso aiutarla?",
    thanks="Prego! Posso aiutarla in altro?",
    goodbye="Arrivederci, e grazie per averci scritto.",
    unknown="Non lo so: nei nostri documenti non ho trovato nulla in proposito. Desidera parlare con una persona?",
    unknown_part="Sul resto della sua domanda non ho trovato nulla nei nostri documenti.",
    nearest="Nei nostri documenti non ho trovato una risposta sicura. Queste parti si avvicinano di più:",
    nearest_more="Risponda con un numero, chieda con altre parole, o mi dica se desidera parlare con una persona.",
    unclear="Può dirmi con più precisione di che cosa ha bisogno?",
    withheld="Non posso confermare la risposta con quello che ho qui e preferisco non tirare a indovinare. Vuole parlare con una persona?",
    which="A quale di questi si riferisce?",
    search_failed="Al momento non posso consultare i nostri documenti. Riprovi tra poco, o mi dica se desidera parlare con una persona.",
    handed_over="Passo questa conversazione a un collega, che le risponderà qui.",
    handed_over_after_failures="Finora non ho potuto aiutarla, perciò passo questa conversazione a un collega, che le risponderà qui.",
    handed_over_urgently=(
        "Passo subito questa conversazione a un collega. Se lei o altri siete in pericolo, chiami ora il numero di emergenza."
    ),
    with_a_person="Un collega ha il suo messaggio e le risponderà qui.",
    person_joined="{name} si è unito alla conversazione.",
    person_left="Stiamo cercando un altro collega, che le risponderà qui.",
    person_later="Stiamo verificando e le risponderemo qui.",
    solved="La richiesta risulta risolta. Scriva qui in qualsiasi momento se resta qualcosa.",
    given_back="Sta parlando di nuovo con il nostro assistente. Ci dica se preferisce una persona.",
    remembered="Annotato, me ne ricorderò.",
    recalled="Ecco che cosa ricordo di lei:",
    nothing_known="Non ricordo nulla di lei.",
    forgotten="Fatto. Ho dimenticato ciò che ricordavo di lei.",
    forgotten_in_session="Fatto. Ho dimenticato le note di questa conversazione.",
)

_PORTUGUESE = Texts(
    greeting="Olá! Em que posso ajudar?",
    thanks="De nada! Posso ajudar em mais alguma coisa?",
    goodbye="Até logo, e obrigado pelo contato.",
    unknown="Não sei: não encontrei nada sobre isso nos nossos documentos. Quer falar com uma pessoa?",
    unknown_part="Sobre o resto da sua pergunta não encontrei nada nos nossos documentos.",
    nearest="Não encontrei uma resposta segura sobre isso nos nossos documentos. O que mais se aproxima:",
    nearest_more="Responda com um número, pergunte por outras palavras, ou diga se quer falar com uma pessoa.",
    unclear="Pode dizer com mais detalhes do que precisa?",
    withheld="Não consigo confirmar a resposta com o que tenho aqui e prefiro não adivinhar. Quer falar com uma pessoa?",
    which="A qual destes se refere?",
    search_failed=(
        "Neste momento não consigo consultar os nossos documentos. Tente de novo daqui a pouco, ou diga se quer falar com uma pessoa."
    ),
    handed_over="Vou passar esta conversa a um colega, que responderá aqui.",
    handed_over_after_failures="Até agora não consegui ajudar. Por isso vou passar esta conversa a um colega, que responderá aqui.",
    handed_over_urgently=(
        "Vou passar já esta conversa a um colega. Se você ou outra pessoa estiver em perigo, ligue agora para o número de emergência."
    ),
    with_a_person="Um colega tem a sua mensagem e responderá aqui.",
    person_joined="{name} entrou na conversa.",
    person_left="Estamos a procurar outro colega, que responderá aqui.",
    person_later="Estamos a analisar e voltaremos a responder aqui.",
    solved="O pedido foi dado como resolvido. Escreva aqui a qualquer momento se faltar algo.",
    given_back="Está de novo a falar com o nosso assistente. Diga se preferir falar com uma pessoa.",
    remembered="Anotado, vou lembrar disso.",
    recalled="Isto é o que lembro sobre você:",
    nothing_known="Não lembro nada sobre você.",
    forgotten="Feito. Esqueci o que lembrava sobre você.",
    forgotten_in_session="Feito. Esqueci as notas desta conversa.",
)

_DUTCH = Texts(
    greeting="Hallo! Waarmee kan ik u helpen?",
    thanks="Graag gedaan! Kan ik u nog ergens mee helpen?",
    goodbye="Tot ziens, en bedankt voor uw bericht.",
    unknown="Dat weet ik niet: ik heb hierover niets gevonden in onze documenten. Wilt u met een medewerker spreken?",
    unknown_part="Over de rest van uw vraag heb ik niets gevonden in onze documenten.",
    nearest="Een zeker antwoord hierop heb ik niet gevonden in onze documenten. Deze delen komen het dichtst in de buurt:",
    nearest_more="Antwoord met een nummer, vraag het in andere woorden, of laat weten of u met een medewerker wilt spreken.",
    unclear="Kunt u iets preciezer zeggen wat u nodig hebt?",
    withheld="Ik kan dit antwoord niet bevestigen met wat ik hier heb en wil niet gokken. Wilt u met een medewerker spreken?",
    which="Welke van deze bedoelt u?",
    search_failed=(
        "Ik kan nu niet in onze documenten kijken. Probeer het zo nog eens, of laat weten of u met een medewerker wilt spreken."
    ),
    handed_over="Ik draag dit gesprek over aan een collega, die u hier zal antwoorden.",
    handed_over_after_failures=(
        "Ik heb u tot nu toe niet kunnen helpen. Daarom draag ik dit gesprek over aan een collega, die u hier zal antwoorden."
    ),
    handed_over_urgently=(
        "Ik draag dit gesprek meteen over aan een collega. Bent u of is iemand anders in gevaar, bel dan nu het alarmnummer."
    ),
    with_a_person="Een collega heeft uw bericht en zal u hier antwoorden.",
    person_joined="{name} neemt nu deel aan het gesprek.",
    person_left="We zoeken een andere collega voor u, die u hier zal antwoorden.",
    person_later="We zoeken dit uit en komen hier bij u terug.",
    solved="Dit is als opgelost gemarkeerd. Schrijf hier gerust als er nog iets is.",
    given_back="U praat weer met onze assistent. Zeg het als u liever een mens spreekt.",
    remembered="Genoteerd, dat onthoud ik.",
    recalled="Dit weet ik nog over u:",
    nothing_known="Ik heb niets over u onthouden.",
    forgotten="Klaar. Ik ben vergeten wat ik over u wist.",
    forgotten_in_session="Klaar. Ik ben de notities van dit gesprek vergeten.",
)

_LANGUAGES = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH, "it": _ITALIAN, "pt": _PORTUGUESE, "nl": _DUTCH}
LANGUAGES = tuple(_LANGUAGES)

# Words that a short question has and the other languages mostly have not. English is what remains.
_MARKS = {
    "en": "the i my you your is are do does can what how when where why to of it and please want need this that with for on in have "
    "hello hi thanks",
    "de": "der die das ich und ist nicht wie mein meine meinen mit ein eine einen einem kann bitte wo was wann warum fur auf habe "
    "mir mich sie zu zum zur es den dem mochte danke dank vielen hallo guten wir uns brauche gibt werden habt ihr euch euer hab brauch "
    "eure gibts kostet oder nach bei aus wenn dann hat haben konnt kannst welche welcher welches wieviel viele passiert bekomme kriege",
    "fr": "le les je vous et est mon ma mes comment pourquoi puis-je peux voudrais avec pour une des du pas ne que qui quand bonjour"
    " merci au aux sur s' plait quel quelle ou oui j' c' qu' d' parler peut dans nous vos votre nos notre faire avez puis combien quels"
    " quelles cette sont fait mais fois plusieurs svp",
    "es": "el los las yo mi mis como donde cuando cuanto que por para con una unos es esta puedo quiero hola gracias del al necesito"
    " hablar tengo hacer cual favor mas hay tienen tiene puede pueden cuesta cuanta cuantos cuantas su sus y estan abren",
    "it": "il lo gli mio mia come dove quando perche che con una uno sono posso vorrei voglio ciao grazie della del nel buongiorno "
    "parlare per ho fare quale questo favore non",
    "pt": """o os as meu minha como onde quando porque que com uma um nao posso quero ola obrigado obrigada da do na no voce preciso falar
        tenho fazer qual favor em""",
    "nl": """het een ik mijn hoe waar wanneer waarom met van naar voor niet kan wil graag bedankt hallo dank u je wat zijn heb aan spreken
        alstublieft is de""",
}
_MARKED: dict[str, tuple[str, ...]] = {}
for _language, _list in _MARKS.items():
    for _word in _list.split():
        _MARKED[_word] = (*_MARKED.get(_word, ()), _language)


def language_of(*said: str) -> str:
    """The language we ship that a text is most likely in, by its commonest words; "en" when nothing speaks for another.

    Of several, the first by which it can be told decides.
    """
    return next(filter(None, map(_find_language, said)), "en")


def _find_language(text: str) -> str | None:
    counts = dict.fromkeys(_LANGUAGES, 0)
    for word in words(text[:400]):
        for language in _MARKED.get(word, ()):
            counts[language] += 1
    best = max(counts.values())
    if not best:
        return None
    return "en" if counts["en"] == best else next(language for language, count in counts.items() if count == best)


def texts_for(language: str) -> Texts:
    """Our phrases in `language` (ISO 639-1), in English where we do not ship it."""
    return _LANGUAGES.get(language, _ENGLISH)
