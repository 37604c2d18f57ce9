"""Words of customers and words of documents that mean the same: everyday support English, and its German, French and Spanish.

Owns no vocabulary of any one company. The invariant: it only says what a word may mean; whether it does is for who knows the documents. A
word that they use themselves is never changed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from deskhand.words import STOP_WORDS, fold, stem

# One meaning a line: English; German; French; Spanish. An underscore is a space. A word of two meanings stands in two lines.
_MEANINGS = """
password passcode; passwort kennwort; mot_de_passe; contrasena clave
reset; zurucksetzen zurucksetze zuruckgesetzt setze; reinitialiser; restablecer reiniciar
forgot forgotten remember lost; vergessen; oublie; olvide olvidado
lost misplaced stolen; verloren gestohlen; perdu vole; perdi perdido robado
invoice bill receipt; rechnung rechnungen beleg; facture factures; factura facturas recibo
cancel cancellation terminate unsubscribe quit; kundigen kundige kundigung stornieren; annuler resilier resiliation; cancelar cancelo anular
subscription plan membership; abonnement abo mitgliedschaft; abonnement; suscripcion
order purchase; bestellung bestellen bestellt; commande commander; pedido compra
shipping delivery ship postage; versand lieferung versenden liefern liefert; livraison expedition livrer; envio entrega enviar
parcel package shipment; paket sendung; colis; paquete
arrive arrival delivered; ankommen angekommen; arriver arrive; llegar llega
return; rucksendung zuruckschicken zuruckgeben; retour retourner renvoyer; devolver devolucion
refund money_back reimbursement; erstattung ruckerstattung erstatten geld_zuruck; remboursement rembourser; reembolso reembolsar
phone smartphone mobile; handy smartphone; portable smartphone; movil celular
telephone phone call hotline; telefon telefonnummer anrufen; telephone appeler; telefono llamar
number; nummer; numero; numero
account profile; konto kontos; compte; cuenta
delete erase close remove; loschen losche; supprimer; eliminar borrar
change edit modify update; andern andere wechseln; changer modifier; cambiar modificar
address; adresse anschrift; adresse; direccion
price cost fee; preis preise kosten kostet gebuhr; prix tarif cout coute; precio coste cuesta tarifa
pay payment charge; zahlen bezahlen zahlung; payer paiement; pagar pago
ways method option; weg methode zahlungsarten zahlungsmethoden; moyens methode; metodo metodos formas
credit_card card; kreditkarte karte; carte; tarjeta
data information; daten; donnees; datos
file document; datei dateien; fichier fichiers; archivo archivos fichero
stored kept saved located; gespeichert gelagert; stockees stocke conserves; almacenados guardados guardan
storage space capacity; speicher speicherplatz; stockage espace; almacenamiento espacio
user member colleague employee seat teammate coworker; benutzer nutzer mitglied; utilisateur membre; usuario miembro
add invite; hinzufugen einladen; ajouter inviter; anadir agregar invitar
remove; entfernen; retirer enlever; quitar
contact reach; erreichen kontaktieren kontakt; contacter joindre; contactar
support help service; hilfe kundendienst; assistance aide; soporte ayuda
hours opening; offnungszeiten uhrzeiten; horaires; horario horarios
open opening; eroffnen offnen; ouvrir; abrir
locked blocked suspended; gesperrt; bloque verrouille; bloqueado bloqueada
hacked compromised stolen; gehackt; pirate; hackeado
e-mail email mail; mail nachricht; courriel mail; correo
phishing suspicious fraud scam strange weird dubious; betrug verdachtig; hameconnage fraude; fraude sospechoso
broken damaged defective faulty; kaputt beschadigt defekt; casse endommage; roto danado
missing lost disappeared vanished gone; fehlt fehlen verschwunden; manquant disparu; falta desaparecido
late delayed overdue; verspatet spat; retard; retraso tarde
warranty guarantee; garantie gewahrleistung; garantie; garantia
availability uptime; verfugbarkeit; disponibilite; disponibilidad
guaranteed guarantee; garantiert; garantie; garantizado
upgrade; hochstufen; surclasser; mejorar
trial; testen probe testphase; essai; prueba
discount coupon rebate; rabatt nachlass gutschein; remise reduction; descuento
school student education; schule student; ecole etudiant; escuela estudiante
answer reply response respond; antwort antworten beantwortet; reponse repondre; respuesta responder
failed declined rejected refused unsuccessful; fehlgeschlagen abgelehnt; echoue refuse; fallido rechazado
photograph photo picture image; foto bild; photo image; foto imagen
sms text; sms; sms; sms
largest biggest; grosste; plus_grand; mas_grande
charity nonprofit ngo; gemeinnutzig verein; association; ong
language; sprache sprachen; langue langues; idioma idiomas
complaint complain; beschwerde beschweren; reclamation plainte; queja reclamacion
device; gerat gerate; appareil; dispositivo aparato
app application software; anwendung programm; application logiciel; aplicacion programa
sign_in log_in login signin logon; anmelden einloggen anmeldung; connecter connexion; iniciar_sesion acceder
sign_up register signup; registrieren; inscrire inscription; registrarse
sign_out log_out logout; abmelden ausloggen; deconnecter; cerrar_sesion
encrypted encryption; verschlusselt verschlusselung; chiffre chiffrees; cifrado
safe secure protected; sicher; securise sur; seguro segura
privacy; datenschutz; confidentialite; privacidad
company firm business; firma unternehmen; entreprise societe; empresa
tax vat; steuer mehrwertsteuer mwst; tva taxe; iva impuesto
monthly; monatlich; mensuel; mensual
yearly annual annually; jahrlich; annuel; anual
switch; umstellen; basculer; cambiar
limit maximum cap; grenze limit hochstbetrag; limite plafond; limite maximo
transfer; uberweisung uberweisen; virement virer; transferencia transferir
withdraw withdrawal cash; abheben; retrait retirer; retirar retiro
bank; bank; banque; banco
deposit; einzahlen einzahlung; depot deposer; deposito depositar
interest; zinsen; interets; intereses
abroad foreign international; ausland; etranger; extranjero
find where; finden finde; trouver trouve; encontrar encuentro
send; senden schicken; envoyer; enviar
receive get; bekommen erhalten; recevoir; recibir
work function; funktioniert funktionieren; fonctionne; funciona
error fault problem trouble bug; fehler fehlermeldung storung; erreur probleme; error problema
slow sluggish crawl laggy; langsam; lent lente; lento lenta
export download; exportieren herunterladen; exporter telecharger; exportar descargar
restore recover; wiederherstellen; restaurer recuperer; restaurar recuperar
reactivate restart resume renew; reaktivieren verlangern; reactiver; reactivar
pause; pausieren; suspendre; pausar
day; tag tage tagen; jour jours; dia dias
week; woche wochen; semaine semaines; semana semanas
month; monat monate; mois; mes meses
"""
_LANGUAGES = ("en", "de", "fr", "es")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True)
class _Glossary:
    """`words` and `stems` of each language with their meanings: the English ones, likeliest first, then those of the language itself;
    `english` are all of the first; `phrases` of other languages with theirs, and `phrase`, which finds them."""

    words: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {language: {} for language in _LANGUAGES})
    stems: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {language: {} for language in _LANGUAGES})
    phrases: dict[str, str] = field(default_factory=dict)
    english: set[str] = field(default_factory=set)

    @cached_property
    def phrase(self) -> re.Pattern[str]:
        return re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, self.phrases), key=len, reverse=True)) + r")\b")


@lru_cache(maxsize=1)
def _glossary() -> _Glossary:
    """Read when it is first asked: it takes 50 ms, which a server that starts has no use for."""
    glossary = _Glossary()
    for line in _MEANINGS.strip().splitlines():
        groups = [[member.replace("_", " ") for member in group.split()] for group in line.split(";")]
        glossary.english.update(groups[0])
        for language, group in zip(_LANGUAGES, groups, strict=True):
            for word in group:
                same = [*groups[0], *(each for each in group if " " not in each)]
                if " " in word and language != "en":
                    glossary.phrases[word] = groups[0][0]
                elif " " not in word:
                    for table, key in ((glossary.words, word), (glossary.stems, stem(word, language))):
                        known = table[language].setdefault(key, [])
                        known.extend(each for each in same if each not in (*known, word))
    return glossary


@lru_cache(maxsize=4096)
def meanings(word: str, language: str = "en") -> tuple[str, ...]:
    """What a word or stem of `language` may mean besides itself: English words, likeliest first, then those of its own language; empty for
    one that is not listed."""
    if language not in _LANGUAGES:
        return ()
    folded = fold(word)
    words, stems = _glossary().words[language], _glossary().stems[language]
    return tuple(words.get(folded) or stems.get(folded) or stems.get(stem(folded, language)) or ())


def reworded(text: str, *, is_used: Callable[[str], bool], is_english: Callable[[str], bool]) -> str:
    """`text` with each word that the documents do not use replaced by one of the same meaning that they do use, if there is one.

    When it turns out to be of another language, what says nothing by itself goes too: it would only mislead an English model.
    `is_english` may know fewer words than there are.
    """
    glossary = _glossary()
    changed = foreign = False

    def whole(match: re.Match[str]) -> str:
        nonlocal changed, foreign
        phrase = match.group()
        if all(map(is_used, phrase.split())):
            return phrase
        changed = foreign = True
        return glossary.phrases[phrase]

    def meant(match: re.Match[str]) -> str:
        nonlocal changed, foreign
        word = match.group()
        if word in STOP_WORDS or is_used(word):
            return word
        for language in _LANGUAGES[:1] if is_english(word) else _LANGUAGES:
            for other in meanings(word, language):
                if all(map(is_used, other.split())):
                    changed = True
                    foreign = foreign or (language != "en" and other in glossary.english)
                    return other
        return word

    # "mot de passe" is told by the whole, since two of its words say nothing.
    result = _WORD.sub(meant, glossary.phrase.sub(whole, fold(text)))
    if foreign:
        result = _WORD.sub(lambda match: "" if match.group() in STOP_WORDS else match.group(), result)
    return " ".join(result.split()) if changed else text
