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
  readonly startOver: string;
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
  startOver: "Start a new conversation",
};

class WordsInUse {
  words: WidgetWords = englishWidget;

  use(words: WidgetWords): void {
    this.words = words;
  }
}

export const widgetTexts = new WordsInUse();
