// Giving documents to the server. XMLHttpRequest, because fetch cannot tell how much has been sent.

import { parseJson } from "../../client/api";
import { type Reply, readRefusal } from "../../protocol/rest";
import type { AddedView } from "./types";

/** `onProgress` gets the share that has been sent, 0 to 1; after that the server reads and indexes. */
export function uploadDocuments(prefix: string, files: readonly File[], onProgress: (share: number) => void): Promise<Reply<AddedView>> {
  const request = new XMLHttpRequest();
  const form = new FormData();
  for (const file of files) form.append("files", file);
  return new Promise((resolve) => {
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => resolve({ ok: false, failure: { kind: "unreachable" } }));
    request.addEventListener("load", () => {
      const body = parseJson(request.responseText);
      if (request.status < 300) resolve({ ok: true, value: body as AddedView });
      else resolve({ ok: false, failure: readRefusal(request.status, body, request.getResponseHeader("Retry-After")) });
    });
    request.open("POST", `${prefix}/knowledge/documents`);
    request.setRequestHeader("X-Deskhand", "console");
    request.send(form);
  });
}
