"""What one process tells another of an answer that runs in it, and what the other makes of it."""

import asyncio

from deskhand.realtime import Begins, Codec, Hub, Relay
from deskhand.testing.local_bus import LocalBus, LocalWire

BEGUN = Begins("turn_1", 1)


def classify(event: str) -> Begins | None:
    return BEGUN if event == "begun" else None


def member(wire: LocalWire, name: str) -> Hub[str]:
    codec: Codec[str] = Codec(encode=str.encode, decode=bytes.decode)
    relay = Relay(LocalBus(wire), worker=name, codec=codec, lagging=lambda _session: None)
    relay.start()
    return Hub(classify, relay=relay)


async def test_who_joins_after_a_note_was_told_gets_it_in_its_place() -> None:
    wire = LocalWire()
    one, other = member(wire, "one"), member(wire, "other")
    with one.write("sess_1") as here, one.subscribe("sess_1"):
        here.begin_at(0)
        answer = here.own_answer(BEGUN)
        one.publish("sess_1", 1, "begun")
        answer.add_note("writing")
        here.show_note()
        await asyncio.sleep(0)  # it is told, and `other` does not follow the session yet
        with other.subscribe("sess_1") as reader:
            # As the database says just after the attempt began.
            reader.channel.join(BEGUN, started_seq=1, text="")
            answer.append("Hello")
            here.show_text()
            async with asyncio.timeout(20):
                while (heard := reader.channel.answer) is None or heard.text != "Hello":
                    await reader.wait()
            assert [(mark.content, mark.offset) for mark in heard.timeline] == [("writing", 0)]
            assert reader.channel.last_seq == 1
