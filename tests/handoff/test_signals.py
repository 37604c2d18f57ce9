"""What customers' words say, in many languages."""

import pytest

from deskhand.handoff.signals import Signals, read_signals, wants_person
from handoff import sentences

ASKING = [
    "I want to talk to a human",
    "Can I speak to someone?",
    "agent",
    "Representative please!",
    "is there an operator?",
    "any other agent there?",
    "Gibt es hier einen Operator?",
    "Why can't I talk to a real person?",
    "I can't find it. Could you put me through to your supervisor?",
    "I don't want to make a transfer, let me speak with someone else",
    "Ich möchte mit einem Menschen sprechen",
    "Kann ich bitte mit einem Mitarbeiter verbunden werden?",
    "Mitarbeiter bitte",
    "Je voudrais parler à un conseiller",
    "Passez-moi quelqu'un s'il vous plaît",
    "Je veux un humain",
    "Quiero hablar con una persona",
    "¿Puedo hablar con un agente?",
    "Páseme con un asesor por favor",
    "Vorrei parlare con un operatore",
    "Posso parlare con una persona reale?",
    "Quero falar com um atendente",
    "Ik wil graag een medewerker spreken",
    "Chcę rozmawiać z człowiekiem",
    "Gerçek bir insanla konuşmak istiyorum",
    "Jag vill prata med en människa",
    "Хочу поговорить с человеком",
    "Соедините меня с оператором",
    "أريد التحدث إلى شخص حقيقي",
    "我想和真人说话",
    "转人工",
    "人と話したいです",
    "オペレーターに繋いでください",
    "상담원 연결해 주세요",
    "मुझे किसी इंसान से बात करनी है",
    "Saya mau bicara dengan manusia",
    "Tôi muốn nói chuyện với nhân viên",
]
NOT_ASKING = [
    "",
    "How do I reset my password?",
    "I don't need to talk to a person",
    "How do I add a person to my account?",
    "How many people can use the Team plan?",
    "What does an agent do in your software?",
    "Can two people share one account?",
    "Which plan includes phone support?",
    "Does someone need to sign for the parcel?",
    "Is there a Kubernetes operator?",
    "where is the sync agent installed?",
    "I want the backup agent to start by itself",
    "Gibt es einen Kubernetes Operator?",
    "How do I transfer ownership to another person?",
    "Wie setze ich mein Passwort zurück?",
    "Comment ajouter une personne à mon compte ?",
    "¿Cómo agrego una persona a mi cuenta?",
    "Как сбросить пароль?",
    "人工智能能做什么？",
    "パスワードを忘れました",
    "비밀번호를 잊어버렸어요",
]


@pytest.mark.parametrize("text", [*ASKING, *sentences.ASKING])
def test_a_request_for_a_person_is_heard(text: str) -> None:
    assert wants_person(text)


@pytest.mark.parametrize("text", [*NOT_ASKING, *sentences.NOT_ASKING])
def test_a_question_is_no_request_for_a_person(text: str) -> None:
    assert not wants_person(text)


def test_a_request_at_the_end_of_a_long_message_is_heard() -> None:
    assert wants_person("My parcel is late and nothing helped. " * 200 + "Let me speak to a person.")


@pytest.mark.parametrize("text", ["This is ridiculous!", "You are useless", "Das ist eine Frechheit", "C'est une honte", "Estoy harto"])
def test_anger_is_heard(text: str) -> None:
    assert read_signals([text]).angry


@pytest.mark.parametrize("text", ["My lawyer will hear of this", "Mein Anwalt meldet sich", "I will sue you"])
def test_a_sensitive_matter_is_heard(text: str) -> None:
    assert read_signals([text]).sensitive


def test_danger_is_heard() -> None:
    assert read_signals(["hello", "I want to kill myself"]).in_danger


def test_a_plain_question_has_no_signal() -> None:
    assert read_signals(["How long does a refund take?"]) == Signals()


@pytest.mark.parametrize("text", ["\x00", "]" * 5_000, "a" * 100_000, "١٢٣", "\ud800", "🙂" * 500, ".!?" * 1_000])
def test_odd_text_is_read_without_a_fault(text: str) -> None:
    read_signals([text])
