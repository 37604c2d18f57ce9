// The words that only the widget has. Those it shares with the chat page are in `chat/texts`.

export interface WidgetWords {
  readonly close: string;
  readonly conversation: string;
  readonly restoring: string;
  readonly message: string;
  readonly attach: string;
  readonly filesToSend: string;
  readonly hint: string;
  readonly latest: string;
  readonly download: string;
  readonly startOver: string;
  readonly transcript: string;
  readonly fileName: string;
  readonly ratingQuestion: string;
  readonly ratingThanks: string;
  readonly ratingFailed: string;
  readonly stars: (score: number) => string;
  readonly comment: string;
  readonly sendComment: string;
  readonly notNow: string;
}

export const englishWidget: WidgetWords = {
  close: "Close chat",
  conversation: "Conversation",
  restoring: "Restoring your conversation…",
  message: "Your message",
  attach: "Attach a file",
  filesToSend: "Files to send",
  hint: "Enter sends, Shift + Enter starts a new line.",
  latest: "Latest",
  download: "Save this conversation as a file",
  startOver: "Start a new conversation",
  transcript: "Conversation",
  fileName: "conversation",
  ratingQuestion: "How did we do?",
  ratingThanks: "Thank you for your rating.",
  ratingFailed: "Your rating could not be sent.",
  stars: (score) => `${score} of 5`,
  comment: "Anything you would like to add?",
  sendComment: "Send",
  notNow: "Not now",
};

class WordsInUse {
  words: WidgetWords = englishWidget;

  use(words: WidgetWords): void {
    this.words = words;
  }
}

export const widgetTexts = new WordsInUse();
