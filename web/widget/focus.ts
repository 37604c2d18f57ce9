// Keeps the Tab key inside the open panel, so that nobody wanders off behind it. Escape is the way out.

const STOPS = 'a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"]';

export class FocusKeeper {
  private held: Element | null = null;

  constructor(
    private readonly panel: HTMLElement,
    private readonly root: ShadowRoot,
  ) {
    panel.addEventListener("keydown", (event) => this.turn(event));
    panel.addEventListener("focusin", () => {
      this.held = root.activeElement;
    });
    panel.addEventListener("focusout", (event) => {
      if (event.relatedTarget !== null) this.held = null;
    });
  }

  /** After drawing: what held the focus may be gone, and the focus would fall behind the panel. */
  refresh(): void {
    if (this.held === null || this.root.activeElement !== null) return;
    const wasTaken = !this.held.isConnected || !isSeen(this.held);
    if (wasTaken && this.panel.isConnected && isSeen(this.panel)) this.panel.focus({ preventScroll: true });
    this.held = null;
  }

  private turn(event: KeyboardEvent): void {
    if (event.key !== "Tab" || event.altKey || event.ctrlKey || event.metaKey) return;
    const stops = [...this.panel.querySelectorAll(STOPS)].filter(
      (stop) => stop instanceof HTMLElement && isSeen(stop) && stop.tabIndex >= 0,
    );
    const [first, last] = [stops[0], stops.at(-1)];
    const focused = this.root.activeElement;
    const isAtEnd = event.shiftKey ? focused === first || focused === this.panel : focused === last;
    if (!isAtEnd) return;
    event.preventDefault();
    const next = event.shiftKey ? last : first;
    if (next instanceof HTMLElement) next.focus();
  }
}

function isSeen(element: Element): boolean {
  return element.checkVisibility({ visibilityProperty: true });
}
