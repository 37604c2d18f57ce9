"""Words of a text: folded, cut, stemmed. Owns no vocabulary of any subject, only what is true of a language.

The invariant: everything here is a pure function of its arguments, and costs time linear in the text.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Not the signs of Indic and Thai vowels, without which words are others, nor the breve of Cyrillic short i, which is a letter of its own.
_ACCENTS = re.compile("(?<![\u0438\u0443])\u0306|[\u0300-\u0305\u0307-\u036f\u0640\u0653-\u0655\u064b-\u0652\u0670\u093c]")
_SPELLINGS = str.maketrans(
    {
        "\u2019": "'",
        "\u2018": "'",
        "\u02bc": "'",
        "\u0142": "l",
        "\u0131": "i",
        "\u00f8": "o",
        "\u0111": "d",
        "\u00df": "ss",
        "\u0629": "\u0647",
        "\u0649": "\u064a",
        "\u0671": "\u0627",
    }
)
# What French and Italian write to the next word is a word of its own: "l'adresse" is an address.
_ELIDED = "c d j l m n s t qu lorsqu puisqu jusqu un quest all dall dell nell sull"
# A figure keeps its point, comma, colon, percent or currency: "1,500", "9:30", "50%"; a name keeps its hyphen-free parts.
_WORD = re.compile(rf"\d+(?:[.,:]\d+)*%?|(?:{'|'.join(_ELIDED.split())})'(?=[^\W\d_])|[^\W\d_]+(?:'[^\W\d_]+)*\d*|\w+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*(?=\s+[\"'\u201c\u2018(\[]?[^\W_a-z])|[\u3002\uff01\uff1f]+")
# What ends in a point without ending a sentence.
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|no|approx|incl|mr|mrs|ms|dr|st|inc|ltd|co|u\.s|z\.b|bzw|ca|nr|d\.h|p\.ej|sr|sra)\.$", re.IGNORECASE
)

_STOP_WORDS = """
    a about above after again all also am an and any are as at be because been before being below between both but by can could did do
    does doing don down during each few for from further had has have having he her here hers him his how i if in into is it its just
    me more most my no nor not now of off on once only or other our ours out over own please same she should so some such than that the
    their them then there these they this those through to too under until up us very was we were what when where which while who whom
    why will with would you your yours im i'm i'd i've i'll don't can't doesn't isn't it's that's what's there's you're let's want need
    know tell get got like thanks thank hello hi hey ok okay yes
    der die das den dem des ein eine einen einem einer eines und oder aber ich du er sie es wir ihr mein meine meinen meinem meiner ist
    sind war bin kann koennen konnen wie was wer wo wann warum mit von zu zum zur im in auf fur fuer bei nach aus nicht auch bitte habe
    hat haben wird werden
    le la les un une des du de et ou mais je tu il elle nous vous ils mon ma mes est sont suis peut comment que qui quoi quand pourquoi
    ou avec pour dans sur pas ne se ce cette puis-je
    el los las una uno unos unas y o pero yo mi mis es son soy puedo como que quien cuando donde por para con en no se su del al
    il lo gli i un uno una e o ma io mio mia sono posso come che chi quando dove perche per con in non si del della
    os as um uma e ou mas eu meu minha sou posso como que quem quando onde por para com em nao se do da no na
    het een en of maar ik mijn is zijn kan hoe wat wie waar wanneer waarom met van naar voor op in niet
"""
STOP_WORDS = frozenset([*_STOP_WORDS.split(), *(f"{word}'" for word in _ELIDED.split())])
# What customers write around what they ask. A document may mean something by it, so there it counts.
_ASIDES = """
    pls plz thx wanna gonna gotta gimme lemme ive youre dont cant doesnt didnt isnt wont wouldnt couldnt whats wheres whens hows whos theres
    btw asap tho cuz coz idk omg wtf hmm just really actually even still already anyway guys
    ihr euch euer eure euren eurem eurer uns unser unsere unseren man sich hab habt hatte gibts ne nen mal erst erstmal noch schon nur
    eigentlich gerne denn doch da dafur davon damit dann ab ob wenn furs brauch brauche kannst konnt konnen muss soll darf mochte will wollt
    kriege krieg
    ai as avez avons avoir ont on y ca cela si svp stp aussi alors donc deja votre vos notre nos faire fais fait etre etes veux voudrais
    peux puis pouvez au aux quel quelle quels quelles en leur
    hay tengo tiene tienen esta estan puede pueden este esto eso ya muy mas sus nos usted ustedes os porfa quiero quisiera necesito hacer
    cual cuales tambien
    ho hai avete ci vi mi ti si questo questa vorrei voglio anche fare tenho tem ja muito quero voces
"""
ASIDES = STOP_WORDS.union(_ASIDES.split())

# No stemmer here changes so many letters from the beginning, but the Arabic one, which takes articles off.
_STEM_KEEPS = 3
_STEMS_BEGINNINGS = frozenset({"ar"})
_STEMMERS = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "ru": "russian",
    "ar": "arabic",
    "el": "greek",
    "hi": "hindi",
}
# A stemmer keeps the word it works on in itself: two threads that share one spoil each other's words.
_own = threading.local()


def fold(text: str) -> str:
    """Lower case, accents off, one kind of apostrophe and of alef: what two spellings of a word have in common."""
    if text.isascii():
        return text.lower()
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold().translate(_SPELLINGS)))
    return unicodedata.normalize("NFC", text)


def words(text: str) -> list[str]:
    """The folded words in order. A script without spaces is cut into overlapping pairs of characters."""
    found = _WORD.findall(fold(text))
    if text.isascii() or not _UNSPACED.search(text):
        return found
    cut: list[str] = []
    for word in found:
        if len(word) > 2 and _UNSPACED.match(word):
            cut.extend(word[at : at + 2] for at in range(len(word) - 1))
        else:
            cut.append(word)
    return cut


@lru_cache(maxsize=20_000)
def stem(word: str, language: str = "en") -> str:
    """The stem of one folded word. A language without a stemmer keeps the word as it is."""
    name = _STEMMERS.get(language)
    if name is None or not word[0].isalpha():
        return word
    stemmer = getattr(_own, name, None)
    if stemmer is None:
        import snowballstemmer  # noqa: PLC0415 - loads the stemmers of all languages, which no start has to wait for

        stemmer = snowballstemmer.stemmer(name)
        setattr(_own, name, stemmer)
    stemmed: str = stemmer.stemWord(word.split("'", maxsplit=1)[0] if language == "en" else word)
    return stemmed


def content_stems(text: str, language: str = "en", *, without: frozenset[str] = STOP_WORDS) -> list[str]:
    """The stems of all words that carry meaning, in order, with repeats. `without`: the words that carry none."""
    return [stem(word, language) for word in words(text) if word not in without and (len(word) > 1 or word.isdigit())]


class StemFinder:
    """Finds which of some stems stand in a text, without stemming what cannot be one of them."""

    __slots__ = ("_beginnings", "_kept", "_language", "_wanted")

    def __init__(self, wanted: Iterable[str], language: str = "en") -> None:
        self._wanted = frozenset(wanted)
        self._kept = 0 if language in _STEMS_BEGINNINGS else _STEM_KEEPS
        self._beginnings = frozenset(word[: self._kept] for word in self._wanted)
        self._language = language

    def find(self, text: str) -> frozenset[str]:
        found: set[str] = set()
        for word in words(text):
            if word[: self._kept] in self._beginnings and (stemmed := stem(word, self._language)) in self._wanted:
                found.add(stemmed)
        return frozenset(found)


def sentences(text: str) -> list[str]:
    """The sentences of one paragraph, in order, each as it was written."""
    found: list[str] = []
    start = 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        piece = text[start:end].strip()
        start = end
        if not piece:
            continue
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found
