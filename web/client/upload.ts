// Giving a file to a session. XMLHttpRequest, because fetch cannot tell how much has been sent.

import { type Reply, readRefusal, readUploaded, type SessionRecord, type Uploaded } from "../protocol/rest";
import { parseJson } from "./api";

export interface UploadTask {
  readonly done: Promise<Reply<Uploaded>>;
  abort(): void;
}

/** `onProgress` gets the share that has been sent, 0 to 1. An aborted upload never settles. */
export function uploadFile(prefix: string, session: SessionRecord, file: File, onProgress: (share: number) => void): UploadTask {
  const request = new XMLHttpRequest();
  const done = new Promise<Reply<Uploaded>>((resolve) => {
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => resolve({ ok: false, failure: { kind: "unreachable" } }));
    request.addEventListener("load", () => {
      const body = parseJson(request.responseText);
      const value = request.status < 300 ? readUploaded(body) : null;
      if (value !== null) resolve({ ok: true, value });
      else resolve({ ok: false, failure: readRefusal(request.status, body, request.getResponseHeader("Retry-After")) });
    });
    const form = new FormData();
    form.set("session_id", session.sessionId);
    form.set("file", file);
    request.open("POST", `${prefix}/chat/upload`);
    request.setRequestHeader("Authorization", `Bearer ${session.token}`);
    request.send(form);
  });
  return { done, abort: () => request.abort() };
}
