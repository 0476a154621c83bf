// The events of the local buckets: what R2 and S3 would send when an object is put or deleted. miniflare sends none, so
// the local run puts them into miniflare's own queue, whose consumer is the Worker. The names of local buckets are secret:
// nothing here logs a message.

import { hash } from "node:crypto";
import { page } from "../cli/command.ts";
import { INVISIBLE } from "../worker/log/without-signatures.ts";
import { isPlainObject, parseJson, tableOf } from "../worker/util/json.ts";
import type { ObjectChange } from "./local-bucket.ts";
import type { LocalProject } from "./local-project.ts";

/** A call of `sendBatch` takes so many messages at most (Q3). */
const MAX_MESSAGES = 100;

type EventProject = Pick<LocalProject, "queue" | "localVars" | "buckets" | "r2Buckets">;

export type LocalEvents = ReturnType<typeof createLocalEvents>;

/** @param post puts messages into the queue. If it throws, they are sent again later */
export function createLocalEvents(post: (messages: readonly object[]) => Promise<void>) {
  let waiting: readonly object[] = [];
  let sending: Promise<void> | undefined;
  /** Whether the log has shown the event of an object, by its name: media/photos/fig.jpg. */
  const hasLine = new Map<string, boolean>();

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const messages = waiting.slice(0, MAX_MESSAGES);
      await post(messages);
      waiting = waiting.slice(messages.length);
    }
  };

  return {
    /**
     * Notes a change of an object. Without a consumer in wrangler.toml, nobody hears of it.
     * @param bucketName the name of the bucket in wrangler.toml
     */
    add(project: EventProject, bucketName: string, change: ObjectChange): void {
      if (project.queue === undefined) return;

      const prefix = project.buckets[bucketName]?.prefix ?? "";
      const key = change.key.slice(prefix.length);
      hasLine.set(`${bucketName}/${key}`, false);
      waiting = [...waiting, messageOf(project, bucketName, change, new Date())];
    },

    /** Sends what waits. While it runs, a second call waits for the same sending. */
    send(): Promise<void> {
      sending ??= sendAll().finally(() => {
        sending = undefined;
      });
      return sending;
    },

    /**
     * Returns a line of the Worker's log as the terminal shows it. The notice of a purge by event becomes a line for
     * each object that it names: `purged by event media/photos/fig.jpg`. In every other line, the page that it points to
     * has its path from here.
     * @returns undefined if nothing is to be shown: the Worker purges an event twice, a minute apart, and has a notice
     * of both if somebody looked at the picture meanwhile
     */
    terminalText(line: string): string | undefined {
      const notice = readNotice(line);
      if (notice === undefined) return withPagePath(line);

      const names = notice.first.filter((name) => hasLine.get(name) !== true);
      if (names.length === 0) return undefined;

      for (const name of names) {
        if (hasLine.has(name)) hasLine.set(name, true);
      }
      return noticeText(names, notice.objects - notice.first.length);
    },
  };
}

/** The page that a line of the Worker's log points to. A key in it has its quotes escaped, and never matches. */
const SEE = /(?<=[,{]"see":")docs\/(?<file>[\w-]+\.md)/;

/** Gives the page that a line points to its path from here. */
function withPagePath(line: string): string {
  const file = SEE.exec(line)?.groups?.["file"];
  if (file === undefined) return line;
  return line.replace(SEE, () => page(`docs/${file}`));
}

/** The host of R2's API for S3. */
const R2_HOST = /\.r2\.cloudflarestorage\.com$/;

/** Returns the message by which a bucket's provider reports a change. */
function messageOf(
  { localVars, buckets, r2Buckets }: EventProject,
  bucketName: string,
  change: ObjectChange,
  now: Date,
): object {
  const { binding, bucket, endpoint } = tableOf(tableOf(localVars["BUCKETS"])[bucketName]);
  if (binding !== undefined) {
    const bound = r2Buckets.find((r2Bucket) => r2Bucket.binding === binding);
    const name = bound?.bucket_name ?? bucket ?? binding;
    return r2Message(name, change, now);
  }

  // The Worker knows a bucket of S3's API by its name on this machine.
  const localName = buckets[bucketName]?.bucket;
  const host = URL.parse(`${endpoint}`)?.hostname ?? "";
  if (R2_HOST.test(host)) return r2Message(localName, change, now);
  return bridgeMessage(localName, change, now);
}

/** R2's notification (Q6). */
function r2Message(bucket: unknown, change: ObjectChange, now: Date): object {
  const { kind, key } = change;
  const message = { account: "local", bucket, eventTime: now.toISOString() };

  if (kind === "deleted") return { ...message, action: "DeleteObject", object: { key } };

  const { body } = change;
  const object = { key, size: body.length, eTag: hash("md5", body) };
  return { ...message, action: "PutObject", object };
}

/** S3's event, as EventBridge sends it. */
function bridgeMessage(bucket: unknown, change: ObjectChange, now: Date): object {
  const { kind, key } = change;
  const message = { version: "0", source: "aws.s3", time: now.toISOString() };
  const detail = { version: "0", bucket: { name: bucket } };

  if (kind === "deleted") {
    const deleted = { ...detail, object: { key }, reason: "DeleteObject" };
    return { ...message, "detail-type": "Object Deleted", detail: deleted };
  }

  const { body } = change;
  const object = { key, size: body.length, etag: hash("md5", body) };
  const created = { ...detail, object, reason: "PutObject" };
  return { ...message, "detail-type": "Object Created", detail: created };
}

type PurgeNotice = { readonly objects: number; readonly first: readonly string[] };

/** Reads the notice of a purge by event. @returns undefined for any other line */
function readNotice(line: string): PurgeNotice | undefined {
  const notice = parseJson(line);
  if (!isPlainObject(notice) || notice["event"] !== "purged-by-event") return undefined;

  const { objects, first } = notice;
  if (typeof objects !== "number" || !Array.isArray(first)) return undefined;
  return { objects, first: first.map(String) };
}

/** @param others how many more objects there are */
function noticeText(names: readonly string[], others: number): string {
  // A key may have characters that a terminal obeys.
  const texts = names.map((name) => name.replace(INVISIBLE, "\ufffd"));
  if (others > 0) texts.push(`${others} more`);
  return texts.map((text) => `purged by event ${text}`).join("\n");
}
