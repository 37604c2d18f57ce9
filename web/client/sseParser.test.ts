import { describe, expect, test } from "vitest";
import { SseParser } from "./sseParser";

const stream = [
  "retry: 1500\n\n",
  ": heartbeat\n\n",
  'id: 1\nevent: text\ndata: {"delta":"Grüße 🙂"}\n\n',
  "event: complete\r\ndata: one\r\ndata: two\r\n\r\n",
  "data:no space\n\n",
  "event: nothing\n\n",
].join("");

const parse = (pieces: readonly string[]) => {
  const parser = new SseParser();
  return { events: pieces.flatMap((piece) => parser.take(piece)), retryMs: parser.retryMs };
};

describe("server-sent events", () => {
  test("are read with their type and all their data; comments and events without data are none", () => {
    expect(parse([stream])).toEqual({
      retryMs: 1500,
      events: [
        { type: "text", data: '{"delta":"Grüße 🙂"}' },
        { type: "complete", data: "one\ntwo" },
        { type: "message", data: "no space" },
      ],
    });
  });

  test("are the same wherever the stream is cut", () => {
    const whole = parse([stream]);
    for (let cut = 1; cut < stream.length; cut += 1)
      expect(parse([stream.slice(0, cut), stream.slice(cut)]), `cut at ${cut}`).toEqual(whole);
    expect(parse(stream.split(""))).toEqual(whole);
  });

  test("an event that is not finished is not told", () => {
    expect(parse(["data: half"]).events).toEqual([]);
    expect(parse(["data: half\n"]).events).toEqual([]);
  });
});
