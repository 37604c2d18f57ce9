// A list of rows of one height, of which only those in sight exist. 5,000 rows cost what 30 do.

import { arrange, make } from "../../chat/dom";

const OVERSCAN = 6;

export interface RowView<Item> {
  readonly element: HTMLElement;
  update(item: Item): void;
}

export class VirtualList<Item> {
  readonly element = make("div", { class: "virtual-scroll" });
  private readonly list = make("ul", { class: "virtual" });
  private readonly rows = new Map<string, { readonly holder: HTMLLIElement; readonly view: RowView<Item>; item: Item }>();
  private items: readonly Item[] = [];
  private isPlanned = false;

  constructor(
    private readonly options: {
      readonly label: string;
      readonly rowHeight: number;
      readonly keyOf: (item: Item) => string;
      readonly makeRow: () => RowView<Item>;
      /** The reader is near the end of what is there. */
      readonly onEnd: () => void;
    },
  ) {
    this.list.setAttribute("aria-label", options.label);
    this.element.append(this.list);
    this.element.addEventListener("scroll", () => this.plan(), { passive: true });
    new ResizeObserver(() => this.plan()).observe(this.element);
  }

  update(items: readonly Item[]): void {
    this.items = items;
    this.list.style.height = `${items.length * this.options.rowHeight}px`;
    this.draw();
  }

  scrollToTop(): void {
    this.element.scrollTop = 0;
  }

  /** Bring the row into sight, moving as little as possible. */
  reveal(key: string): void {
    const index = this.items.findIndex((item) => this.options.keyOf(item) === key);
    if (index === -1) return;
    const top = index * this.options.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.options.rowHeight > scrollTop + clientHeight) this.element.scrollTop = top + this.options.rowHeight - clientHeight;
    this.draw();
  }

  /** The value of the rows that exist, drawn again: what they show depends on more than their item. */
  redraw(): void {
    for (const row of this.rows.values()) row.view.update(row.item);
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      this.draw();
    });
  }

  private draw(): void {
    const { rowHeight, keyOf } = this.options;
    const first = Math.max(0, Math.floor(this.element.scrollTop / rowHeight) - OVERSCAN);
    const last = Math.min(this.items.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / rowHeight) + OVERSCAN);
    const wanted = new Set<string>();
    const holders: HTMLElement[] = [];
    for (let index = first; index < last; index += 1) {
      const item = this.items[index];
      if (item === undefined) continue;
      wanted.add(keyOf(item));
      holders.push(this.place(item, index));
    }
    for (const [key, row] of this.rows) {
      // A row that has the focus stays, so that it is not lost by scrolling.
      if (wanted.has(key)) continue;
      if (row.holder.contains(document.activeElement) && this.items.includes(row.item)) holders.push(row.holder);
      else this.rows.delete(key);
    }
    this.arrange(holders);
    if (last >= this.items.length - OVERSCAN && this.items.length > 0) this.options.onEnd();
  }

  /** Whoever walks by the Tab key goes through the rows as they are seen. */
  private arrange(holders: readonly HTMLElement[]): void {
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    arrange(this.list, holders);
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus({ preventScroll: true });
  }

  private place(item: Item, index: number): HTMLElement {
    const key = this.options.keyOf(item);
    let row = this.rows.get(key);
    if (row === undefined) {
      const view = this.options.makeRow();
      row = { holder: make("li", { class: "virtual-row" }, view.element), view, item };
      view.update(item);
      this.rows.set(key, row);
    } else if (row.item !== item) {
      row.item = item;
      row.view.update(item);
    }
    row.holder.style.transform = `translateY(${index * this.options.rowHeight}px)`;
    row.holder.setAttribute("aria-setsize", String(this.items.length));
    row.holder.setAttribute("aria-posinset", String(index + 1));
    return row.holder;
  }
}
