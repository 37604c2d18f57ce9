// The conversation inside the widget: puts the parts of the chat page together in a shadow tree, and counts what was not seen.

import { Announcer } from "../chat/elements/announcer";
import { Composer } from "../chat/elements/composer";
import { RatingView } from "../chat/elements/rating";
import { Scroller } from "../chat/elements/scroller";
import { ThreadView } from "../chat/elements/threadView";
import { KeptFeedback } from "../chat/feedback";
import { onceAFrame } from "../chat/frame";
import { saveFile } from "../chat/save";
import { speak, texts } from "../chat/texts";
import { downloadTranscript } from "../chat/transcript";
import { Api } from "../client/api";
import { Conversation } from "../client/conversation";
import { BrowserStorage } from "../client/storage";
import type { PublicConfig } from "../protocol/rest";
import { isBusy, listQuestions } from "../protocol/thread";
import type { Frame, Panel } from "./contract";
import { FocusKeeper } from "./focus";
import { directionOf } from "./language";
import { readLanguage } from "./languages";
import { asRoot, drawMarkup, findIn, useStyles } from "./markup";
import { NewsReader } from "./news";
import { TopView } from "./top";
import { WelcomeView } from "./welcome";
import { widgetTexts } from "./widgetTexts";

const RETRY_CONFIG_MS = 3_000;

/** Raises TypeError when the words of the language cannot be loaded. */
export async function mountPanel(frame: Frame): Promise<Panel> {
  const { language } = frame.options;
  const { words, own } = await readLanguage(language);
  speak(words, language);
  widgetTexts.use(own);
  useStyles(frame.root);
  const element = drawMarkup({ language, direction: directionOf(language) });
  return new WidgetPanel(frame, element);
}

class WidgetPanel implements Panel {
  private readonly api: Api;
  private readonly conversation: Conversation;
  private readonly focus: FocusKeeper;
  private readonly feedback: KeptFeedback;
  private readonly news: NewsReader;
  private readonly listeners: (() => void)[] = [];
  private composer: Composer | null = null;
  private isOpen = false;

  constructor(
    private readonly frame: Frame,
    readonly element: HTMLElement,
  ) {
    const { desk, prefix } = frame.options;
    this.api = new Api(`${desk}${prefix}`, "widget");
    this.conversation = new Conversation(this.api, new BrowserStorage());
    this.focus = new FocusKeeper(element, frame.root);
    this.feedback = new KeptFeedback(this.api, this.conversation);
    this.news = new NewsReader(frame, this.conversation);
    this.conversation.subscribe(onceAFrame(() => this.draw()));
    void this.start();
  }

  show(isOpen: boolean): void {
    this.isOpen = isOpen;
    this.news.look(isOpen);
    this.draw();
    if (isOpen) this.focusFirst();
  }

  identify(userToken: string): void {
    void this.conversation.identify(userToken).then((reply) => {
      if (reply.ok) this.frame.tell("identity", { state: "verified" });
      else this.frame.tell("identity", { state: "refused", code: reply.failure.kind === "refused" ? reply.failure.code : "unreachable" });
    });
  }

  private focusFirst(): void {
    if (this.composer === null) this.element.focus();
    else this.composer.focus();
  }

  /** Without its settings there is nothing to write into: it asks until it has them, and says so meanwhile. */
  private async start(): Promise<void> {
    const notice = findIn(this.element, "unavailable", HTMLElement);
    for (;;) {
      const reply = await this.api.readConfig();
      notice.hidden = reply.ok;
      if (reply.ok) return this.fill(reply.value);
      notice.textContent = texts.unavailable;
      await new Promise<void>((resolve) => setTimeout(resolve, RETRY_CONFIG_MS));
    }
  }

  private fill(config: PublicConfig): void {
    const { conversation, element, frame } = this;
    const root = asRoot(element);
    const find = <Kind extends Element>(id: string, kind: new () => Kind) => findIn(element, id, kind);
    const announcer = new Announcer(find("announcements", HTMLElement));
    const scroller = new Scroller(find("scroll", HTMLElement), find("content", HTMLElement), find("latest", HTMLButtonElement));
    const speakUp = (content: string) => {
      conversation.say(content);
      scroller.follow();
      composer.focus();
    };
    const composer = new Composer(
      conversation,
      config,
      this.api.prefix,
      {
        say: (sentence) => announcer.say(sentence),
        onSent: () => {
          scroller.follow();
          announcer.say(texts.announceSent);
        },
      },
      { root, dropArea: element },
    );
    const askForPerson = () => speakUp(texts.personRequest);
    const top = new TopView(element, config, {
      askForPerson,
      download: () => downloadTranscript(conversation.state.thread, config),
      startOver: () => {
        composer.clear();
        conversation.startOver();
        composer.focus();
      },
      close: () => frame.close(),
    });
    const welcome = new WelcomeView(element, config, frame.options, { ask: speakUp });
    const rating = new RatingView(find("rating", HTMLElement), this.api, (sentence) => announcer.say(sentence));
    const thread = new ThreadView(find("log", HTMLElement), {
      askForPerson,
      feedback: this.feedback,
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
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || !isBusy(conversation.state.thread)) return;
      // The first press stops the answer, the next one closes.
      event.preventDefault();
      conversation.stopAnswer();
    });
    this.listeners.push(() => {
      const { state } = conversation;
      frame.shell.dataset["status"] = state.thread.status;
      welcome.update(state);
      thread.update(state);
      top.update(state);
      composer.update(state);
      rating.update(state);
      if (this.isOpen) announcer.update(state.thread);
    });
    const hadFocus = frame.root.activeElement === element;
    this.composer = composer;
    this.draw();
    scroller.follow();
    element.dataset["ready"] = "";
    if (hadFocus) composer.focus();
  }

  private draw(): void {
    this.news.update();
    for (const listener of this.listeners) listener();
    this.focus.refresh();
  }
}
