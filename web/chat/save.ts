// Saving something that is in memory as a file of the reader's.

import type { Conversation } from "../client/conversation";
import type { Attachment } from "../protocol/events";

const KEPT_MS = 60_000;

export function saveAs(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has taken hold of the file by then.
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}

/** Returns whether it was had. */
export async function saveFile(conversation: Conversation, attachment: Attachment): Promise<boolean> {
  const file = await conversation.readFile(attachment);
  if (file !== null) saveAs(file, attachment.filename);
  return file !== null;
}
