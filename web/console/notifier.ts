// Telling somebody who looks elsewhere: the title's count, a sound and the browser's notification. The last two only when asked for.

import { lastingArea } from "../client/area";
import type { NoticeKind } from "./api/types";

const SOUND_KEY = "deskhand.console.sound";
const NOTIFY_KEY = "deskhand.console.notify";

const WORDS: Readonly<Record<NoticeKind, string>> = {
  new: "A customer waits for a person.",
  assigned_to_you: "A conversation was given to you.",
  customer_replied: "A customer has replied.",
  sla: "A customer has waited too long.",
};

export class Notifier {
  private audio: AudioContext | null = null;

  constructor(private readonly onOpen: (sessionId: string) => void) {}

  get hasSound(): boolean {
    return lastingArea.getItem(SOUND_KEY) === "on";
  }

  get hasNotifications(): boolean {
    return lastingArea.getItem(NOTIFY_KEY) === "on" && "Notification" in window && Notification.permission === "granted";
  }

  setSound(isOn: boolean): void {
    lastingArea.setItem(SOUND_KEY, isOn ? "on" : "off");
    if (isOn) this.play();
  }

  /** Returns whether they are on now: the browser may have been told never to. */
  async setNotifications(isOn: boolean): Promise<boolean> {
    const isAllowed = isOn && "Notification" in window && (await Notification.requestPermission()) === "granted";
    lastingArea.setItem(NOTIFY_KEY, isAllowed ? "on" : "off");
    return isAllowed;
  }

  tell(kind: NoticeKind, sessionId: string): void {
    if (this.hasSound) this.play();
    if (!this.hasNotifications || document.visibilityState === "visible") return;
    // Never the customer's words: a notification is shown on locked screens.
    const notification = new Notification("Deskhand", { body: WORDS[kind], tag: sessionId });
    notification.addEventListener("click", () => {
      window.focus();
      this.onOpen(sessionId);
      notification.close();
    });
  }

  showCount(waiting: number): void {
    document.title = waiting > 0 ? `(${waiting}) Deskhand` : "Deskhand";
  }

  /** Two soft notes, made here: nothing has to be loaded. */
  private play(): void {
    this.audio ??= new AudioContext();
    const { audio } = this;
    [660, 880].forEach((frequency, index) => {
      const start = audio.currentTime + index * 0.12;
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(0.08, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
      tone.connect(gain).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.32);
    });
  }
}
