// Every word that is ours to the visitor, in one place. English; `speak` puts another language in its place before anything is drawn.

import type { Stage } from "../protocol/events";

export const english = {
  assistant: "Support assistant",
  you: "You said",
  answerLabel: "Answer",
  welcome: "How can we help?",
  welcomeText: (company: string) =>
    `Ask about ${company}. Answers come from our own documents and show where they were found. A person is one step away.`,
  suggestions: "People often ask",
  connection: {
    idle: "Ready",
    connecting: "Connecting…",
    online: "Online",
    reconnecting: "Reconnecting…",
    offline: "Offline",
  },
  offlineBanner: "You are offline. What you write is kept here and sent when the connection is back.",
  reconnectingBanner: "The connection was lost. Reconnecting; nothing you wrote is lost.",
  busyBanner: "The server is busy. Your message is sent in a moment.",
  closedBanner: "The earlier conversation is no longer available. Your next message opens a new one.",
  unavailable: "The chat cannot be loaded at present.",
  tryAgain: "Try again",
  sending: "Sending…",
  waitingToSend: "Not sent yet – will be sent as soon as possible",
  queued: "Will be answered next",
  refused: "Not sent",
  takeBack: "Remove",
  editAgain: "Edit",
  thinking: "Thinking…",
  stop: "Stop",
  send: "Send",
  copy: "Copy",
  copied: "Copied",
  sources: (count: number) => (count === 1 ? "1 source" : `${count} sources`),
  citation: (rank: number, title: string) => `Source ${rank}: ${title}`,
  openSource: (host: string) => `Open at ${host}`,
  newTab: "(opens in a new tab)",
  page: (page: string) => `page ${page}`,
  incomplete: "This answer is incomplete.",
  stopped: "Stopped. The answer is incomplete.",
  stoppedEmpty: "Stopped before an answer began.",
  notAnswered: "Not answered by the assistant; a person takes over.",
  failed: "No answer this time",
  retry: "Try again",
  person: "Talk to a person",
  personRequest: "I would like to talk to a person, please.",
  escalation: "A person takes it from here",
  escalationText:
    "Your whole conversation was handed to our team, so you need not repeat anything. You can add details below; they will be read with the rest.",
  ticket: "Reference",
  personSaid: (name: string) => `${name} said`,
  saveFile: (name: string) => `Save ${name}`,
  saveFailed: "could not be saved",
  personTyping: "Somebody from our team is typing…",
  modeActive: "The assistant answers again.",
  modeEnded: "This conversation was closed.",
  endedText: "To ask something else, start a new conversation.",
  placeholder: "Ask a question…",
  placeholderEscalated: "Add details for the team…",
  placeholderFiles: "Ask something about the file…",
  removeFile: (name: string) => `Remove ${name}`,
  uploading: (percent: number) => `Uploading, ${percent} %`,
  reading: "Reading the file…",
  fileReady: "ready to be sent",
  tooManyFiles: (limit: number) => (limit === 1 ? "Only one file can be sent at once." : `Only ${limit} files can be sent at once.`),
  wrongKind: (kinds: string) => `This kind of file cannot be read here. Supported: ${kinds}.`,
  tooLarge: (limit: string) => `The file is larger than ${limit}.`,
  emptyFile: "The file is empty.",
  uploadUnreachable: "The file could not be sent. Check the connection and try again.",
  charactersLeft: (left: number) => (left >= 0 ? `${left} characters left` : `${-left} characters too many`),
  theme: { auto: "Colours: as the device", light: "Colours: light", dark: "Colours: dark" },
  codeLabel: "Code",
  tableLabel: "Table",
  newAnswerTitle: (title: string) => `● New answer – ${title}`,
  announceSent: "Message sent.",
  announceThinking: "The assistant is working on an answer.",
  announceComplete: (sources: number) => (sources === 0 ? "Answer complete." : `Answer complete, with ${english.sources(sources)}.`),
  tools: {
    search_knowledge: "Searching the documents…",
    read_attachment: "Reading your file…",
    remember: "Making a note…",
    recall: "Looking up what you told us before…",
    escalate_to_human: "Bringing in a person…",
  },
  stages: { searching: "Searching the documents…", using_tool: "Looking something up…", writing: "Writing…" },
  helpful: "This helped",
  notHelpful: "This did not help",
  download: "Save this conversation as a file",
  transcript: "Conversation",
  fileName: "conversation",
  ratingQuestion: "How did we do?",
  ratingThanks: "Thank you for your rating.",
  ratingFailed: "Your rating could not be sent.",
  stars: (score: number) => `${score} of 5`,
  comment: "Anything you would like to add?",
  sendComment: "Send",
  notNow: "Not now",
} as const;

type Words<Value> = Value extends string
  ? string
  : Value extends (...args: infer Arguments) => string
    ? (...args: Arguments) => string
    : { readonly [Name in keyof Value]: Words<Value[Name]> };

/** All words in one language. */
export type Texts = Words<typeof english>;

/** The words in use, and the locale that times are written in; `undefined` is the browser's own. */
export let texts: Texts = english;
let locale: string | undefined;

/** Use these words from now on. What was drawn before keeps its own. */
export function speak(words: Texts, tag: string): void {
  texts = words;
  locale = tag;
}

export function stageText(stage: Stage | null, tool: string | null): string {
  const { tools, stages } = texts;
  if (tool !== null && isNameOf(tools, tool)) return tools[tool];
  return stage === null ? texts.thinking : stages[stage];
}

function isNameOf<Names extends object>(names: Names, name: string): name is Extract<keyof Names, string> {
  return Object.hasOwn(names, name);
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0).replace(/\.0$/, "")} MB`;
}

/** Writes moments so, each time with the same format: making one takes the browser a third of a millisecond, the first one of a page fifty. */
export function formatter(options: Intl.DateTimeFormatOptions): (moment: Date) => string {
  let format: Intl.DateTimeFormat | undefined;
  let madeFor: string | undefined;
  return (moment) => {
    if (format === undefined || madeFor !== locale) format = new Intl.DateTimeFormat(locale, options);
    madeFor = locale;
    return format.format(moment);
  };
}

const formatToday = formatter({ hour: "2-digit", minute: "2-digit" });
const formatEarlier = formatter({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export function timeText(timestamp: string): string {
  const date = new Date(timestamp);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? formatToday(date) : formatEarlier(date);
}
