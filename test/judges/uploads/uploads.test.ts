// AWS's own SDK uploads into the local bucket of `vitrine dev --uploads`, as an app does, and Vitrine shows the picture.

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localBucketName, readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { launch } from "../../browser/chromium.ts";
import { ROOT } from "../../support/built.ts";
import { freePort } from "../../support/free-port.ts";
import { copyWithDomain, endRuns, removeCopies, start } from "../../support/local-run.ts";

const Bucket = "acme-media";
const FIG = readFileSync(join(ROOT, "fixtures/objects/photos/fig.jpg"));

let address: string;
let folder: string;
let app: S3Client;
let settings: ConstructorParameters<typeof S3Client>[0];

beforeAll(async () => {
  folder = copyWithDomain();
  const port = await freePort();
  address = `http://localhost:${port}`;
  const { output } = await start(folder, port, () => {}, ["--uploads"]);

  const printed =
    /^AWS_ENDPOINT_URL_S3=(.*)\nAWS_REGION=(.*)\nAWS_ACCESS_KEY_ID=(.*)\nAWS_SECRET_ACCESS_KEY=(.*)$/m;
  const [, endpoint = "", region = "", accessKeyId = "", secretAccessKey = ""] =
    printed.exec(output()) ?? [];
  const credentials = { accessKeyId, secretAccessKey };
  settings = { endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 };
  app = new S3Client(settings);
});
afterAll(async () => {
  await endRuns();
  removeCopies();
});

/** What a visitor gets of an uploaded object. */
async function pictureOf(key: string): Promise<unknown> {
  const answer = await fetch(`${address}/images/card/${key}`, {
    headers: { accept: "image/webp" },
  });
  const { byteLength } = await answer.arrayBuffer();
  return [answer.status, answer.headers.get("content-type"), byteLength > 1_000];
}

const SHOWN = [200, "image/webp", true];
const object = { Bucket, Body: FIG, ContentType: "image/jpeg" };

test.each([
  undefined,
  ...Object.values(ChecksumAlgorithm).filter((name) => /^(?:CRC|SHA(?:1|256)$)/.test(name)),
])(
  "PutObject with the checksum %s, from memory and as a stream, is a picture",
  async (ChecksumAlgorithm) => {
    const key = `photos/sdk-${ChecksumAlgorithm}`;
    await app.send(
      new PutObjectCommand({ ...object, Key: `published/${key}.jpg`, ChecksumAlgorithm }),
    );
    expect(await pictureOf(`${key}.jpg`)).toEqual(SHOWN);

    const Body = Readable.from([FIG]);
    const ContentLength = FIG.length;
    await app.send(
      new PutObjectCommand({
        ...object,
        Body,
        ContentLength,
        Key: `published/${key} (stream).jpg`,
        ChecksumAlgorithm,
      }),
    );
    expect(await pictureOf(`${key}%20(stream).jpg`)).toEqual(SHOWN);
  },
);

test.each(["WHEN_SUPPORTED", "WHEN_REQUIRED"] as const)(
  "a presigned URL, with checksums %s, takes the picture of a browser",
  async (requestChecksumCalculation) => {
    const presigner = new S3Client({ ...settings, requestChecksumCalculation });
    const key = `photos/presigned-${requestChecksumCalculation}.jpg`;
    const command = new PutObjectCommand({
      Bucket,
      Key: `published/${key}`,
      Metadata: { focus: "0.6,0.3" },
    });
    const url = await getSignedUrl(presigner, command, { expiresIn: 60 });

    const headers = { "content-type": "image/jpeg", origin: "http://localhost:5173" };
    const answer = await fetch(url, { method: "PUT", headers, body: FIG });

    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(await pictureOf(key)).toEqual(SHOWN);
  },
);

test("metadata and terms are those that the app named, and an object that is there is not replaced", async () => {
  const Key = "published/photos/focus.jpg";
  await app.send(
    new PutObjectCommand({
      ...object,
      Key,
      Metadata: { focus: "0.6,0.3" },
      CacheControl: "max-age=60",
    }),
  );

  const keys = readLocalKeys(folder);
  const reader = new S3Client({
    endpoint: `${address}/cdn-cgi/local/r2/s3`,
    region: "auto",
    credentials: keys,
    forcePathStyle: true,
  });
  const stored = await reader.send(
    new HeadObjectCommand({ Bucket: localBucketName(Bucket, keys), Key }),
  );
  expect(stored).toMatchObject({
    Metadata: { focus: "0.6,0.3" },
    CacheControl: "max-age=60",
    ContentType: "image/jpeg",
  });

  const again = app.send(new PutObjectCommand({ ...object, Key, IfNoneMatch: "*" }));
  await expect(again).rejects.toMatchObject({ name: "PreconditionFailed" });
});

test("a page on another port uploads in a browser and reads the ETag; a sandboxed page does not", async () => {
  const server = createServer(
    (_request, response) => void response.end("<!doctype html><p>An app</p>"),
  );
  const page = await listenLocally(server, 0);
  const browser = await launch();
  try {
    const key = "photos/browser.jpg";
    const command = new PutObjectCommand({
      Bucket,
      Key: `published/${key}`,
      ContentType: "image/jpeg",
    });
    const url = await getSignedUrl(app, command);
    const tab = await browser.newPage();
    const bytes = [...FIG];
    const upload = (): Promise<unknown> =>
      tab.evaluate(
        async ([target, photo]) => {
          const headers = { "content-type": "image/jpeg" };
          try {
            const answer = await fetch(target, {
              method: "PUT",
              headers,
              body: new Uint8Array(photo),
            });
            return [answer.status, answer.headers.get("etag")];
          } catch (error) {
            return `${error}`;
          }
        },
        [url, bytes] as const,
      );

    await tab.goto("data:text/html,<p>A sandbox</p>");
    expect(await upload()).toMatch(/Failed to fetch/);
    expect(await pictureOf(key)).not.toEqual(SHOWN);

    await tab.goto(page.url.replace("127.0.0.1", "localhost"));
    expect(await upload()).toEqual([200, `"${hash("md5", FIG)}"`]);
    expect(await pictureOf(key)).toEqual(SHOWN);

    const sheet = await (await fetch(address)).text();
    expect(sheet).toContain(key);
  } finally {
    await browser.close();
    await page.close();
  }
});

test("an upload in parts is one picture, and one that was aborted none", async () => {
  const Key = "published/photos/parts.jpg";
  const { UploadId } = await app.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ContentType: "image/jpeg" }),
  );
  // The bytes behind the picture are none of it.
  const whole = Buffer.concat([FIG, Buffer.alloc(6e6 - FIG.length)]);
  const pieces = [whole.subarray(0, 5_500_000), whole.subarray(5_500_000)];
  const Parts = await Promise.all(
    pieces.map(async (Body, index) => {
      const PartNumber = index + 1;
      const { ETag } = await app.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
      );
      return { ETag, PartNumber };
    }),
  );
  const complete = (parts: typeof Parts) =>
    app.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: parts },
      }),
    );

  await expect(complete(Parts.toReversed())).rejects.toMatchObject({ name: "InvalidPartOrder" });
  expect(await pictureOf("photos/parts.jpg")).not.toEqual(SHOWN);
  expect((await complete(Parts)).ETag).toBe(`"${hash("md5", whole)}"`);
  expect(await pictureOf("photos/parts.jpg")).toEqual(SHOWN);
  await expect(complete(Parts)).rejects.toMatchObject({ name: "NoSuchUpload" });

  const other = await app.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const aborted = { Bucket, Key, UploadId: other.UploadId };
  await app.send(new AbortMultipartUploadCommand(aborted));
  const late = new UploadPartCommand({ ...aborted, PartNumber: 1, Body: FIG });
  await expect(app.send(late)).rejects.toMatchObject({ name: "NoSuchUpload" });
});

const Key = "published/photos/fig.jpg";
test.each([
  ["get", new GetObjectCommand({ Bucket, Key }), "AccessDenied"],
  ["list", new ListObjectsV2Command({ Bucket }), "AccessDenied"],
  ["delete", new DeleteObjectCommand({ Bucket, Key }), "AccessDenied"],
])("the key of uploads cannot %s", async (_what, command, name) => {
  await expect(app.send(command as GetObjectCommand)).rejects.toMatchObject({ name });
});

test("the key of uploads opens nothing at the local S3, also by the name of the local bucket", async () => {
  const thief = new S3Client({ ...settings, endpoint: `${address}/cdn-cgi/local/r2/s3` });
  const command = new GetObjectCommand({
    Bucket: localBucketName(Bucket, readLocalKeys(folder)),
    Key,
  });
  await expect(thief.send(command)).rejects.toMatchObject({ $metadata: { httpStatusCode: 401 } });
});
