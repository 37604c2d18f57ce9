// The few drawings of the page, on a grid of 20.

const PATHS = {
  attach: "M13.9 6.6 7.7 12.8a1.6 1.6 0 0 0 2.3 2.3l6.4-6.4a3.4 3.4 0 0 0-4.8-4.8L5 10.5a5.2 5.2 0 0 0 7.3 7.3l4.4-4.4",
  send: "M10 16V4.5M5 9.2l5-5 5 5",
  stop: "M6.2 6.2h7.6v7.6H6.2z",
  copy: "M7.5 7.5V4.8c0-.7.6-1.3 1.3-1.3h6.4c.7 0 1.3.6 1.3 1.3v6.4c0 .7-.6 1.3-1.3 1.3h-2.7M4.8 7.5h6.4c.7 0 1.3.6 1.3 1.3v6.4c0 .7-.6 1.3-1.3 1.3H4.8c-.7 0-1.3-.6-1.3-1.3V8.8c0-.7.6-1.3 1.3-1.3z",
  check: "m4.5 10.5 3.7 3.7 7.3-8",
  person: "M10 9.7a3.1 3.1 0 1 0 0-6.2 3.1 3.1 0 0 0 0 6.2zM4 16.5c.6-2.8 3-4.3 6-4.3s5.4 1.5 6 4.3",
  plus: "M10 4.500v11M4.5 10h11",
  sun: "M10 13.200a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.400zM10 2.500v1.600M10 15.900v1.600M2.5 10h1.600M15.9 10h1.600M4.7 4.700l1.1 1.100M14.2 14.200l1.1 1.100M4.7 15.300l1.1-1.100M14.2 5.800l1.1-1.1",
  moon: "M16.3 11.700A6.8 6.8 0 0 1 8.3 3.700a6.8 6.8 0 1 0 8 8z",
  contrast: "M10 3.200a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.600zM10 3.200v13.600M12.4 4v12M14.6 5.300v9.4",
  close: "m5.5 5.5 9 9m0-9-9 9",
  down: "M10 4v11.500M5 10.800l5 5 5-5",
  file: "M11.5 3H6.300C5.6 3 5 3.6 5 4.300v11.400c0 .7.6 1.3 1.3 1.300h7.400c.7 0 1.3-.6 1.3-1.300V6.500zM11.5 3v3.500H15M7.8 10.500h4.400M7.8 13.300h4.4",
  chevron: "m7.5 5 5 5-5 5",
  out: "M8 5H4.800v10.200H15V12M11.5 4.500h4v4M15.3 4.7 9 11",
  retry: "M15.8 8.200A6.2 6.2 0 1 0 16 12M16 4.200v4h-4",
  thumb:
    "M6.500 9v7.500H4V9zM6.500 9l3-5.500c1.100 0 1.900.9 1.700 2L10.700 8h4.200c.9 0 1.600.9 1.300 1.800l-1.500 5.400c-.2.8-.9 1.300-1.700 1.300H6.500",
  chat: "M3.500 9.400c0-3.300 2.900-5.900 6.500-5.900s6.500 2.600 6.500 5.900-2.900 5.900-6.500 5.900c-.8 0-1.500-.1-2.200-.3L4.200 16.500l.6-3.100a5.600 5.600 0 0 1-1.300-4z",
  save: "M10 3.500v9M6.200 9l3.800 3.800L13.800 9M4 16.500h12",
  star: "m10 3.200 2.100 4.300 4.700.7-3.400 3.300.8 4.700-4.200-2.200-4.200 2.200.8-4.700-3.400-3.300 4.700-.7z",
  warning: "M10 3.6 17.3 16H2.700zM10 8.300v3.700M10 13.900v.2",
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function makeIcon(name: IconName): SVGSVGElement {
  return drawIcon(PATHS[name]);
}

/** A drawing in the page's one style, from its lines on a grid of 20. */
export function drawIcon(lines: string): SVGSVGElement {
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("viewBox", "0 0 20 20");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines);
  icon.append(path);
  return icon;
}
