// Keeps the newest text in sight while the reader is at the end, and never pulls them away from what they read.

import { makeIcon } from "../icons";

const NEAR_END_PX = 80;

export class Scroller {
  private isFollowing = true;

  constructor(
    private readonly area: HTMLElement,
    content: HTMLElement,
    private readonly button: HTMLButtonElement,
  ) {
    button.prepend(makeIcon("down"));
    area.addEventListener("scroll", () => this.look(), { passive: true });
    button.addEventListener("click", () => this.follow());
    content.addEventListener("grown", () => this.settle());
    new ResizeObserver(() => this.settle()).observe(content);
    new ResizeObserver(() => this.settle()).observe(area);
  }

  /** Go to the end and stay there. */
  follow(): void {
    this.isFollowing = true;
    this.settle();
  }

  private settle(): void {
    if (this.isFollowing) this.area.scrollTop = this.area.scrollHeight;
    this.button.hidden = this.isFollowing || this.distance() < NEAR_END_PX;
  }

  private look(): void {
    this.isFollowing = this.distance() < NEAR_END_PX;
    this.button.hidden = this.isFollowing;
  }

  private distance(): number {
    return this.area.scrollHeight - this.area.clientHeight - this.area.scrollTop;
  }
}
