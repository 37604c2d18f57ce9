// A QR code, drawn here: what it says (a secret, mostly) goes to nobody.

import { make } from "../../chat/dom";

const SVG = "http://www.w3.org/2000/svg";
/** What readers need to be left free around it. */
const QUIET_MODULES = 4;

/** The library comes when it is needed: few ever do. */
export async function drawQrCode(text: string, label: string): Promise<HTMLElement> {
  const { encodeQR } = await import("qr");
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET_MODULES });
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join(""));
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  drawing.setAttribute("shape-rendering", "crispEdges");
  drawing.append(path);
  return make("div", { class: "qr-code", attributes: { role: "img", "aria-label": label } }, drawing);
}
