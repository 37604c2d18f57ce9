"""What the gate lets through and what it does not: one sentence at a time, with the evidence it is held against."""

from collections.abc import Sequence

import pytest

from deskhand.guard.evidence.sources import Evidence, TextIndex
from deskhand.guard.gate import Reason, deed, examine

PLAN = (
    "The Premium plan costs $49.99 a month and includes 500 GB. Up to 1,500 contacts are free. Refunds take 5 to 7 business days. "
    "Write to support@northwind.example or see https://northwind.example/help/refunds. Call +49 30 1234567. "
    "You have two weeks to return a lamp. The offer ends on 5 November 2025 at 14:30."
)
ORDER = (
    '{"order":"A12345","status":"shipped","items":[{"name":"Lamp","price":20.5},{"name":"Chair","price":30.25}],'
    '"customer":{"first_name":"Anna","last_name":"Berg"},"card":"credit_card_8897086"}'
)


def evidence(
    *,
    passages: Sequence[str] = (),
    results: Sequence[str] = (),
    said: Sequence[str] = (),
    before: Sequence[str] = (),
    done: Sequence[str] = (),
    tools: Sequence[str] = (),
) -> Evidence:
    found = Evidence((TextIndex("Northwind Outdoor"),), abilities=frozenset(effect for name in tools for effect in deed(name, "").effects))
    for text in passages:
        found.add_passage(text)
    for text in results:
        found.add_result(text)
    for text in said:
        found.add_said(text)
    for text in before:
        found.add_answered(text)
    for name in done:
        found.add_deed(deed(name, ""))
    return found


def reasons(sentence: str, held_against: Evidence, *, language: str = "en", answer: Sequence[str] = ()) -> list[str]:
    return [problem.reason.value for problem in examine(sentence, held_against, language=language, answer=answer)]


@pytest.mark.parametrize(
    "sentence",
    [
        "It costs $49.99 a month [1].",
        "It costs 49.99 USD a month.",
        "That makes $599.88 a year.",
        "It includes 500GB.",
        "Up to 1500 contacts are free.",
        "Up to 1.5k contacts are free.",
        "Refunds take 5-7 days.",
        "You have 14 days to return a lamp.",
        "The offer ends on Nov 5, at 2:30 PM.",
        "The offer ends on 2025-11-05.",
        "1. Write to support@northwind.example.",
        "See [our page](https://northwind.example/help/refunds).",
        "Call 030 1234567.",
        "Hello Anna Berg, your order A12345 holds 2 items.",
        "Your total is $50.75.",
        "The chair costs $9.75 more than the lamp.",
        "You paid with the card ending in 7086.",
        "You asked about 3 May and 40 chairs.",
    ],
)
def test_what_stands_in_the_evidence_or_follows_from_it_passes(sentence: str) -> None:
    held_against = evidence(passages=[PLAN], results=[ORDER], said=["I asked on May 3rd about 40 chairs. Who answers?"])
    assert reasons(sentence, held_against) == []


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("It costs $39.99 a month [1].", Reason.FIGURE),
        ("It includes 600GB.", Reason.FIGURE),
        ("Up to 2,500 contacts are free.", Reason.FIGURE),
        ("Refunds take 3 to 7 days.", Reason.FIGURE),
        ("You have 15 days to return a lamp.", Reason.FIGURE),
        ("The offer ends on Nov 6.", Reason.DATE),
        ("The offer ends on 5 November 2026.", Reason.DATE),
        ("The offer ends at 3:30 PM.", Reason.DATE),
        ("Write to help@northwind.example.", Reason.ADDRESS),
        ("See https://northwind.example/help/refund-now.", Reason.ADDRESS),
        ("See https://northwind.evil.example/help/refunds.", Reason.ADDRESS),
        ("Call 030 1234568.", Reason.ADDRESS),
        ("Your order B12345 is on its way.", Reason.CODE),
        ("Dear Anna Smith, your order was found.", Reason.NAME),
        ("The lamp is cheaper with the Gold plan.", Reason.NAME),
        ("Your order A12345 holds 5 items.", Reason.FIGURE),
        ("Your total is $51.75.", Reason.FIGURE),
        ("You paid with the card ending in 7087.", Reason.FIGURE),
    ],
)
def test_what_stands_nowhere_does_not_pass(sentence: str, reason: Reason) -> None:
    held_against = evidence(passages=[PLAN], results=[ORDER], said=["Who answers?"])
    assert reason.value in reasons(sentence, held_against)


def test_a_total_may_be_made_of_what_the_same_answer_said_before() -> None:
    held_against = evidence(
        passages=["Bags cost $105 and tents $102. Boots cost $61, ropes $47, maps $11, hats $19, mugs $7, pans $33, cups $5."]
    )
    assert reasons("Together that is $207.", held_against) == ["figure"]
    assert reasons("Together that is $207.", held_against, answer=["A bag is $105 and a tent $102."]) == []


def test_the_figures_of_one_record_are_not_those_of_its_neighbour() -> None:
    flights = '[{"flight":"HAT110","seats":4,"departs":"14:00:00"},{"flight":"HAT172","seats":9,"departs":"23:00:00"}]'
    held_against = evidence(results=[flights])
    assert reasons("HAT110 has 4 seats and departs at 2 PM.", held_against) == []
    assert reasons("HAT110 has 9 seats.", held_against) == ["figure"]
    assert reasons("HAT110 departs at 23:00.", held_against) == ["date"]


FLIGHTS = (
    '[{"flight":"HAT110","scheduled_departure_time":"14:00:00","scheduled_arrival_time":"16:00:00",'
    '"seats":{"economy":13,"basic_economy":16}},'
    '{"flight":"HAT172","scheduled_departure_time":"16:00:00","scheduled_arrival_time":"23:00:00","seats":{"economy":9,"basic_economy":2}}]'
)
EARBUDS = (
    '{"name":"Earbuds","variants":{"9580569596":{"options":{"battery life":"4 hours","water resistance":"IPX7"},"price":257.98},'
    '"1646531091":{"options":{"battery life":"6 hours","water resistance":"IPX4"},"price":232.49}}}'
)


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("HAT110 departs at 2 PM, arrives at 4 PM.", "HAT110 departs at 4 PM, arrives at 4 PM.", Reason.DATE),
        ("HAT110 departs at 2:00, arrives at 4:00.", "HAT110 departs at 2:00, arrives at 2:00.", Reason.DATE),
        ("HAT110 has 13 economy seats.", "HAT110 has 16 economy seats.", Reason.FIGURE),
        ("HAT110 has 16 basic economy seats.", "HAT110 has 13 basic economy seats.", Reason.FIGURE),
        ("Blue, 6 hours battery: $232.49", "Blue, 4 hours battery: $232.49", Reason.FIGURE),
        ("With IPX4 water resistance: $232.49", "With IPX7 water resistance: $232.49", Reason.CODE),
        ("Item 1646531091 has a battery of 6 hours.", "Item 1646531091 has a battery of 4 hours.", Reason.FIGURE),
    ],
)
def test_what_belongs_to_something_else_does_not_pass(right: str, wrong: str, reason: Reason) -> None:
    held_against = evidence(results=[FLIGHTS, EARBUDS], said=["I want blue ones. Which flights are there?"])
    assert reasons(right, held_against) == []
    assert reasons(wrong, held_against) == [reason.value]


def test_what_the_customer_said_and_what_is_reckoned_belongs_to_nothing_else() -> None:
    asked = evidence(results=[EARBUDS], said=["Are there any with a battery of 4 hours for $232.49?"])
    assert reasons("None for $232.49 has a battery of 4 hours.", asked) == []
    invoice = evidence(results=['{"invoice":"INV12345","price":20.5,"copies":3}'])
    assert reasons("INV12345: the price of 3 copies is $61.50.", invoice) == []


def test_a_choice_is_listed_once_and_in_pairs_that_somebody_wrote() -> None:
    networks = evidence(passages=["It connects to 5G, 4G, 3G or 2G. Set it to `4g_5g_preferred`."])
    assert reasons("It may show 4G, 5G, LTE, 2G or nothing.", networks) == []
    assert reasons("It may show 4G, 5G, LTE, 4G or nothing.", networks) == ["figure"]
    assert reasons("Choose the mode 4G/5G preferred.", networks) == []
    assert reasons("Choose the mode 4G/3G preferred.", networks) == ["figure"]


def test_a_time_that_the_customer_set_is_not_taken_from_a_timetable() -> None:
    timetable = evidence(results=[FLIGHTS], said=["Which ones arrive before 5 PM?"])
    assert reasons("Here are those that arrive before 5 PM:", timetable) == []
    assert reasons("Here are those that arrive before 11 PM:", timetable) == ["date"]
    answered = evidence(results=[FLIGHTS], said=["Which ones arrive before 5 PM?"], before=["HAT172 arrives at 11 PM."])
    assert reasons("Here are those that arrive before 11 PM:", answered) == ["date"]


def test_what_the_customer_calls_an_arrival_is_no_departure() -> None:
    asked = evidence(results=[FLIGHTS], said=["I take HAT110, which arrives at 4 PM."])
    assert reasons("HAT110 departs at 2 PM and arrives at 4 PM.", asked) == []
    assert reasons("HAT110 departs at 4 PM.", asked) == ["date"]


def test_what_stands_behind_a_figure_is_read_wherever_it_stands() -> None:
    held_against = evidence(results=[FLIGHTS], said=["Does HAT110 really depart at 2 PM?"])
    assert reasons("HAT110 does really depart at 2 PM.", held_against) == []
    assert reasons("HAT110 does really depart at 3 PM.", held_against) == ["date"]


def test_a_day_without_its_year_does_not_prove_any_year() -> None:
    booked = evidence(results=['{"booked":"2024-05-15"}'], said=["I fly on May 24."])
    assert reasons("You fly on May 24, 2024.", booked) == []
    assert reasons("You fly on May 24, 2042.", booked) == ["date"]
    assert reasons("You fly on May 24, 2042.", evidence(said=["I fly on May 24."])) == []


def test_a_name_of_several_words_has_the_letters_of_the_code_beside_it() -> None:
    places = evidence(results=['[{"from":"SFO","to":"LAX","by":"JFK"}]'], said=["Where does my flight go from and to?"])
    assert reasons("Your flight goes from San Francisco (SFO) by New York (JFK) to Los Angeles (LAX).", places) == []
    assert reasons("Your flight goes from San Geneva (SFO).", places) == ["name", "name"]


@pytest.mark.parametrize(
    ("language", "passage", "right", "wrong"),
    [
        ("de", "Der Tarif kostet 1.500,00 € ab dem 5. November 2025.", "Er kostet 1500 €, ab dem 05.11.2025.", "Er kostet 1.600,00 €."),
        ("de", "Die Frist beträgt zwei Wochen.", "Die Frist beträgt 14 Tage.", "Die Frist beträgt 15 Tage."),
        ("fr", "Délai de 14 jours à partir du 5 novembre 2025.", "Deux semaines à partir du 5 novembre.", "Dès le 6 novembre 2025."),
        ("es", "La garantía dura 2 años desde el 3 de mayo de 2024.", "Dura 24 meses, desde el 03/05/2024.", "Dura 3 años."),
        ("it", "Il piano costa 1.234,50 € fino al 3 maggio 2025.", "Costa 1234,50 euro.", "Vale fino al 4 maggio 2025."),
        ("pt", "A garantia é de 3 meses e custa 99,90 €.", "São 3 meses por 99,90 €.", "São 4 meses."),
        ("zh", "保修期为24个月，价格1500元，自2025年11月5日起。", "价格为1500元。", "自2025年11月6日起。"),
    ],
)
def test_figures_and_dates_are_read_as_each_language_writes_them(language: str, passage: str, right: str, wrong: str) -> None:
    assert reasons(right, evidence(passages=[passage]), language=language) == []
    assert reasons(wrong, evidence(passages=[passage]), language=language) != []


@pytest.mark.parametrize(
    "sentence",
    [
        "I have cancelled your order.",
        "I've just refunded you.",
        "Your subscription has been cancelled.",
        "Your line is now suspended.",
        "Ich habe Ihre Bestellung storniert.",
        "Ihre Bestellung wurde storniert.",
        "J'ai annulé votre commande.",
        "He cancelado su pedido.",
        "Ho annullato il suo ordine.",
    ],
)
def test_a_report_needs_an_action_that_was_carried_out(sentence: str) -> None:
    passages = ["An order that has been cancelled is refunded. Orders can be cancelled, lines suspended."]
    language = "de" if "Ihre " in sentence else "en"
    assert reasons(sentence, evidence(passages=passages, tools=["cancel_order"]), language=language) == ["report"]
    assert reasons(sentence, evidence(passages=passages, done=["cancel_order", "suspend_line"]), language=language) == []


@pytest.mark.parametrize(
    "sentence", ["We will e-mail you the invoice.", "You'll receive an email shortly.", "Wir werden Ihnen eine Nachricht schicken."]
)
def test_a_promise_needs_a_tool_or_a_source_that_can_keep_it(sentence: str) -> None:
    assert reasons(sentence, evidence(said=["Where is my invoice?"])) == ["promise"]
    assert reasons(sentence, evidence(tools=["send_message"])) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "I can cancel your order for you.",
        "Would you like me to cancel your order?",
        "Once you confirm, I will cancel your order.",
        "I haven't cancelled anything.",
        "If it has been cancelled, you are refunded.",
        "I'll check that for you.",
        "Soll ich Ihre Bestellung stornieren?",
        "Ich habe nichts storniert.",
    ],
)
def test_an_offer_a_condition_and_a_denial_are_no_promise(sentence: str) -> None:
    assert reasons(sentence, evidence(said=["Please cancel my order."])) == []


def test_a_tool_that_only_looks_has_done_nothing() -> None:
    held_against = evidence(done=["get_order_details", "list_refunds"], results=['{"cancel_reason":null}'])
    assert reasons("I have cancelled your order.", held_against) == ["report"]


def test_a_state_that_a_tool_shows_may_be_reported() -> None:
    assert reasons("Your order has been cancelled.", evidence(results=['{"status":"cancelled"}'])) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Hello!",
        "You're welcome!",
        "How can I help you today?",
        "I'm sorry to hear that.",
        "Could you give me your order number?",
        "Here you go:",
    ],
)
def test_what_states_nothing_needs_no_support(sentence: str) -> None:
    assert reasons(sentence, evidence(said=["Hi"])) == []


def test_a_statement_about_what_no_source_speaks_of_does_not_pass() -> None:
    sentence = "Our warehouse ships worldwide with express couriers nightly."
    assert reasons(sentence, evidence(passages=[PLAN])) == ["statement"]
    assert reasons(sentence, evidence(passages=["Every night couriers take express parcels from the warehouse."])) == []


def test_a_statement_in_another_language_than_the_sources_is_not_asked_for_support() -> None:
    sentence = "Unser Lager verschickt jede Nacht weltweit mit schnellen Kurieren und ohne Aufpreis."
    assert (
        reasons(
            sentence, evidence(passages=["You can reset your password on the page where you sign in, and it is not shown."]), language="de"
        )
        == []
    )


def test_who_quotes_a_passage_word_for_word_passes() -> None:
    passage = "We have refunded 312 customers of **Alpine Gold** since 4 March 2019, says Mr. Wu."
    assert reasons("We have refunded 312 customers of Alpine Gold since 4 March 2019, says Mr. Wu. [2]", evidence(passages=[passage])) == []
