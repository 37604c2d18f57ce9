// Lets streamed text grow evenly: the server sends sentences, the reader sees writing. What is shown never falls far behind.

const CATCH_UP_MS = 320;

export class GrowingText {
  private target = "";
  private shown = 0;
  private frame: number | null = null;
  private lastFrameAt = 0;

  /** `draw` gets the text to show. */
  constructor(private readonly draw: (text: string) => void) {
    document.addEventListener("visibilitychange", () => this.finishIfUnseen());
  }

  /** Whether more text is known than is shown. */
  get isBehind(): boolean {
    return this.shown < this.target.length;
  }

  /** Show this text at once. */
  set(text: string): void {
    this.target = text;
    this.shown = text.length;
    this.stop();
    this.draw(text);
  }

  /** Let the shown text grow to this one. When it is not a continuation, it is shown at once. */
  growTo(text: string): void {
    const isContinuation = text.startsWith(this.target.slice(0, this.shown));
    if (!isContinuation || this.shown >= text.length || isMotionUnwanted() || document.visibilityState === "hidden") {
      this.set(text);
      return;
    }
    this.target = text;
    if (this.frame !== null) return;
    this.lastFrameAt = performance.now();
    this.frame = requestAnimationFrame((now) => this.grow(now));
  }

  private grow(now: number): void {
    const elapsed = Math.min(100, Math.max(1, now - this.lastFrameAt));
    this.lastFrameAt = now;
    const behind = this.target.length - this.shown;
    this.shown = Math.min(this.target.length, this.shown + Math.max(1, Math.ceil((behind * elapsed) / CATCH_UP_MS)));
    this.frame = this.isBehind ? requestAnimationFrame((next) => this.grow(next)) : null;
    this.draw(wholeCharacters(this.target, this.shown));
  }

  /** Nobody sees it, and no frames come: do not fall behind. */
  private finishIfUnseen(): void {
    if (document.visibilityState === "hidden" && this.frame !== null) this.set(this.target);
  }

  private stop(): void {
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
  }
}

export function isMotionUnwanted(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The first `length` units of `text`, without half of a character at the end. */
function wholeCharacters(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? length - 1 : length);
}
