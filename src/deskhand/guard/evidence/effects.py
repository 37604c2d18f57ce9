"""What can be done for a customer, and which words and tools do it: the vocabulary of reports and promises.

The invariant: words are folded beginnings, in the languages we ship, and belong to effects, never to a company's own matters.
"""

import re

from deskhand.words import fold

# By the beginnings of the words for it.
_WORDS = {
    "cancel": "cancel storn annul kundig gekundig resili geannuleerd",
    "refund": "refund reimburs credited gutgeschr erstatt ruckerstatt rembours reembols rimbors terugbetaal",
    "change": """
        chang updat modif amend adjust correct switch upgrad downgrad edited extend geander ander aktualisier umgebucht umgestell
        actualis actualiz cambi aggiorn alterei alterad atualiz gewijzigd
    """,
    "create": "creat opened rais filed registered erstell angelegt eroffn cree cre creado abiert abri aperto aangemaakt",
    "book": "book reserv schedul buch gebucht prenot agend geboekt",
    "order": "order purchas bestell command pedid ordinat encomend",
    "send": """
        send sent email e-mail mailed texted notif ship dispatch forward gesend geschickt schick verschick zugesandt envoy envi
        invi spedi mando mandat mandad verstuur
    """,
    "add": "add applied hinzu anad agreg aggiun adicion toegevoegd",
    "remove": "remov delet eras entfern gelosch losch supprim elimin borr rimoss apag verwijder",
    "enable": """
        enabl activat reactivat unlock unblock unfroz unsuspend restor resum aktivier freigeschalt entsperr activ attiv riattiv
        sblocc ativ desbloque geactiveerd
    """,
    "disable": """
        disabl deactivat suspend lock block paus freez froz deaktivier gesperr sperr desactiv disattiv bloque bloccat bloquead
    """,
    "exchange": "exchang replac umgetausch ersetz echang remplac reemplaz sostitu troc substitu omgeruild",
    "return": "returned",
    "person": """
        transfer escalat handing handover handed connecting connected weitergeleit weiterleit ubergeb verbind trasfer passo
        transmi escal doorverbond
    """,
    "reset": "reset zuruckgesetz reinitialis restablec reimpost redefin",
    "charge": "charg debited billed belast abgebuch debit cobr addebit",
    "note": "remember noted forgot forgotten vergess gemerk merk notier",
    "any": """
        process submit complet finaliz issued made arrang bearbeit eingereich veranlass trait soumis procesad tramitad elaborat
        processad
    """,
}
_BEGINNINGS = {effect: tuple(words.split()) for effect, words in _WORDS.items()}
# Words that are no beginning: "handle" hands nobody over.
_WHOLE_WORDS = {"hand": frozenset({"person"})}
# What a deed brings with it that its own words do not say: who cancels pays back.
_BRINGS = {
    "refund": frozenset({"cancel", "exchange", "change", "remove", "return"}),
    "exchange": frozenset({"change"}),
    "change": frozenset({"add", "remove", "exchange", "book", "enable", "disable", "reset"}),
    "add": frozenset({"change"}),
    "remove": frozenset({"change", "cancel"}),
    "enable": frozenset({"change"}),
    "disable": frozenset({"change", "cancel"}),
    "charge": frozenset({"change", "exchange", "book", "order", "add"}),
    "order": frozenset({"book"}),
    "book": frozenset({"change", "order"}),
    "create": frozenset({"send", "exchange", "book", "order", "add"}),
    "return": frozenset({"exchange"}),
}
# Words by which a tool says what it does, where a customer is told of it in other ones.
_TOOL_WORDS = {
    "return": frozenset({"return", "returns"}),
    "person": frozenset({"human", "person", "agent", "transfer", "escalate"}),
    "note": frozenset({"remember", "forget", "memory"}),
    "charge": frozenset({"payment", "pay"}),
}
# To note something and to fetch a person settles no matter by itself.
_TALK = frozenset({"note", "person"})
# A tool whose name says that it only looks changes nothing.
_LOOKS = re.compile(
    r"^(?:get|find|search|list|read|recall|look|lookup|calculate|check|fetch|show|view|query|think|count|describe)(?![a-z])"
)
_WORD = re.compile(r"[a-z-]+")


def effects_of_word(word: str) -> frozenset[str]:
    """The effects that a folded word may speak of."""
    return _WHOLE_WORDS.get(word) or frozenset(effect for effect, beginnings in _BEGINNINGS.items() if word.startswith(beginnings))


def effects_of_tool(name: str, purpose: str) -> frozenset[str]:
    """What a tool does, by the words of its name and purpose; empty for one that only looks."""
    folded = fold(name.replace("_", " "))
    if _LOOKS.match(folded):
        return frozenset()
    words = _WORD.findall(f"{folded} {fold(purpose)}")
    found = {effect for word in words for effect in effects_of_word(word)}
    found.update(effect for effect, own in _TOOL_WORDS.items() if not own.isdisjoint(words))
    return frozenset({*found, "any"} if found - _TALK else found)


def brought_by(effects: frozenset[str]) -> frozenset[str]:
    """These effects, and those that bring them with them."""
    return effects.union(*(_BRINGS.get(effect, frozenset()) for effect in effects))
