// The tab's title: says that there is an answer while the visitor looks at another tab.

import type { Thread } from "../../protocol/thread";
import { texts } from "../texts";

export class PageTitle {
  private ended = 0;

  constructor(private readonly title: string) {
    document.title = title;
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") document.title = title;
    });
  }

  update(thread: Thread): void {
    const ended = thread.items.filter((item) => item.kind === "answer" && item.state !== "running").length;
    if (ended > this.ended && document.visibilityState === "hidden") document.title = texts.newAnswerTitle(this.title);
    this.ended = ended;
  }
}
