// What the probe Worker does with the Images binding and with its R2 bucket.

import { fromBase64, type ImagesOperation, type R2Operation, toBase64 } from "./operation.ts";

export type Stores = {
  readonly BUCKET: R2Bucket;
  readonly IMAGES: ImagesBinding;
};

/** Runs a chain of the Images binding, or asks for the facts of an image. */
export async function useImages(operation: ImagesOperation, env: Stores): Promise<Response> {
  const { key, size = 0, steps = [], output, ends } = operation;
  const image = await streamOf(key, size, env);
  if (output === undefined) return Response.json(await env.IMAGES.info(image));
  let chain = env.IMAGES.input(image);
  for (const step of steps) {
    chain =
      "transform" in step
        ? chain.transform(step.transform)
        : chain.draw(await overlayOf(step.draw, step.steps, env), step.options);
  }
  const result = await chain.output(output);
  return (ends === undefined ? result : await chain.output(output)).response();
}

async function streamOf(key: string, size: number, { BUCKET }: Stores) {
  const object = await BUCKET.get(key);
  if (object === null) throw new Error(`the bucket has no ${key}`);
  if (size <= object.size) return object.body;
  return new Blob([await object.bytes(), new Uint8Array(size - object.size)]).stream();
}

/** A stream is drawn as it is; what has steps is drawn as a chain of its own (B5). */
async function overlayOf(key: string, steps: readonly ImageTransform[] = [], env: Stores) {
  const stream = await streamOf(key, 0, env);
  if (steps.length === 0) return stream;
  return steps.reduce((chain, step) => chain.transform(step), env.IMAGES.input(stream));
}

/** Does a method of the bucket. @returns what it says of objects, as JSON has it */
export async function useBucket(operation: R2Operation, bucket: R2Bucket): Promise<unknown> {
  switch (operation.method) {
    case "head":
      return describe(await bucket.head(operation.key));
    case "get": {
      const object = await bucket.get(operation.key, { ...operation.options });
      if (object === null || !("bytes" in object)) return describe(object);
      return { ...describe(object), body: toBase64(await object.bytes()) };
    }
    case "put":
      return describe(await bucket.put(operation.key, bodyOf(operation), { ...operation.options }));
    case "delete":
      return (await bucket.delete(operation.key)) ?? null;
    case "list": {
      const { objects, ...page } = await bucket.list(operation.options);
      return { ...page, objects: objects.map(describe) };
    }
  }
}

function bodyOf({ body, stream }: Extract<R2Operation, { method: "put" }>) {
  const bytes = fromBase64(body);
  if (stream === undefined) return bytes;
  const source = new Blob([bytes]).stream();
  if (stream === "known") return source.pipeThrough(new FixedLengthStream(bytes.length));
  return source.pipeThrough(new TransformStream<Uint8Array, Uint8Array>());
}

function describe(object: R2Object | null) {
  if (object === null) return null;
  const { key, etag, size, httpMetadata, customMetadata } = object;
  return { key, etag, size, httpMetadata, customMetadata };
}
