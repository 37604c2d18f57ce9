// Making elements. Text only ever becomes a text node; there is no way here to hand over HTML.

type Child = Node | string | null | undefined | false;

interface Options<Tag extends keyof HTMLElementTagNameMap> {
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string | null>>;
  readonly onClick?: (event: MouseEvent) => void;
  readonly with?: (element: HTMLElementTagNameMap[Tag]) => void;
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options: Options<Tag> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (options.class !== undefined) element.className = options.class;
  for (const [name, value] of Object.entries(options.attributes ?? {})) {
    if (value !== null) element.setAttribute(name, value);
  }
  const { onClick } = options;
  if (onClick !== undefined) element.addEventListener("click", (event) => event instanceof MouseEvent && onClick(event));
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  options.with?.(element);
  return element;
}

export function makeButton(options: {
  readonly class: string;
  readonly label: string;
  readonly icon?: SVGSVGElement;
  readonly isLabelHidden?: boolean;
  readonly onClick: () => void;
}): HTMLButtonElement {
  const hidden = options.isLabelHidden === true;
  return make(
    "button",
    {
      class: options.class,
      attributes: { type: "button", "aria-label": hidden ? options.label : null, title: hidden ? options.label : null },
      onClick: options.onClick,
    },
    options.icon,
    hidden ? null : make("span", {}, options.label),
  );
}

/** Something is on its way. */
export function makeDots(): HTMLElement {
  return make("span", { class: "dots", attributes: { "aria-hidden": "true" } }, make("i"), make("i"), make("i"));
}

/** An element that the page, or the shadow tree `root`, is known to have. */
export function findRequired<Kind extends Element>(id: string, kind: new () => Kind, root: NonElementParentNode = document): Kind {
  const element = root.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The page has no ${kind.name} with the id "${id}".`);
  return element;
}

/** Make `parent` hold exactly `children`, in order, without touching those that are in place: focus and selection stay. */
export function arrange(parent: Element, children: readonly Element[]): void {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    const present = parent.children[index];
    if (present !== child) parent.insertBefore(child, present ?? null);
  });
}
