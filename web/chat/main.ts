// The chat page: reads what the company has set, puts the parts together, and draws when something has changed.

import "./styles/tokens.css";
import "./styles/shared.css";
import "./styles/page.css";
import "./styles/thread.css";
import "./styles/prose.css";
import "./styles/composer.css";
import "./styles/feedback.css";

import { Api } from "../client/api";
import { Conversation } from "../client/conversation";
import { BrowserStorage } from "../client/storage";
import type { PublicConfig } from "../protocol/rest";
import { isBusy, listQuestions } from "../protocol/thread";
import { findRequired, make, makeButton } from "./dom";
import { Announcer } from "./elements/announcer";
import { Composer } from "./elements/composer";
import { Header } from "./elements/header";
import { RatingView } from "./elements/rating";
import { Scroller } from "./elements/scroller";
import { ThreadView } from "./elements/threadView";
import { Welcome } from "./elements/welcome";
import { KeptFeedback } from "./feedback";
import { onceAFrame } from "./frame";
import { saveFile } from "./save";
import { texts } from "./texts";
import { downloadTranscript } from "./transcript";

const RETRY_CONFIG_MS = 3_000;

async function start(): Promise<void> {
  const prefix = document.querySelector('meta[name="deskhand-api-prefix"]')?.getAttribute("content") ?? "/api";
  const api = new Api(prefix);
  run(api, await readConfig(api));
}

/** The page is of no use without its settings: it asks until it has them, and says so meanwhile. */
async function readConfig(api: Api): Promise<PublicConfig> {
  const notice = findRequired("unavailable", HTMLElement);
  for (;;) {
    const reply = await api.readConfig();
    notice.hidden = reply.ok;
    if (reply.ok) return reply.value;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, RETRY_CONFIG_MS);
      const again = makeButton({
        class: "button",
        label: texts.tryAgain,
        onClick: () => {
          clearTimeout(timer);
          resolve();
        },
      });
      notice.replaceChildren(make("p", {}, texts.unavailable), again);
    });
  }
}

function run(api: Api, config: PublicConfig): void {
  const conversation = new Conversation(api, new BrowserStorage());
  const announcer = new Announcer(findRequired("announcements", HTMLElement));
  const log = findRequired("log", HTMLElement);
  const scroller = new Scroller(
    findRequired("scroll", HTMLElement),
    findRequired("content", HTMLElement),
    findRequired("latest", HTMLButtonElement),
  );
  const say = (sentence: string) => announcer.say(sentence);
  const speak = (content: string) => {
    conversation.say(content);
    scroller.follow();
    composer.focus();
  };
  const composer = new Composer(conversation, config, api.prefix, {
    say,
    onSent: () => {
      scroller.follow();
      say(texts.announceSent);
    },
  });
  const header = new Header(config, {
    askForPerson: () => speak(texts.personRequest),
    download: () => downloadTranscript(conversation.state.thread, config),
    startOver: () => {
      composer.clear();
      conversation.startOver();
      composer.focus();
    },
  });
  const welcome = new Welcome(config, { ask: speak });
  const rating = new RatingView(findRequired("rating", HTMLElement), api, say);
  const thread = new ThreadView(log, {
    askForPerson: () => speak(texts.personRequest),
    feedback: new KeptFeedback(api, conversation),
    retry: (turnId) => {
      for (const question of listQuestions(conversation.state.thread, turnId)) conversation.say(question.content, question.attachments);
      scroller.follow();
      composer.focus();
    },
    saveFile: (attachment) => saveFile(conversation, attachment),
    sayAgain: (key) => conversation.sayAgain(key),
    takeBack: (key) => conversation.takeBack(key),
    edit: (key) => {
      const entry = conversation.state.outbox.find((candidate) => candidate.clientMessageId === key);
      conversation.takeBack(key);
      composer.edit(entry?.content ?? "");
    },
  });
  const draw = () => {
    const { state } = conversation;
    welcome.update(state);
    thread.update(state);
    rating.update(state);
    header.update(state);
    composer.update(state);
    announcer.update(state.thread);
  };
  document.addEventListener("keydown", (event) => {
    const isFree = event.key === "Escape" && !event.isComposing && document.querySelector("dialog[open]") === null;
    if (isFree && isBusy(conversation.state.thread)) conversation.stopAnswer();
  });
  conversation.subscribe(onceAFrame(draw));
  draw();
  scroller.follow();
  document.documentElement.dataset["ready"] = "";
  composer.focus();
}

void start();
