// The Images binding as a Worker sees it. It posts the same form as production does, to a service that
// `send` reaches. It runs in the Workers runtime too.

import { fromBase64, toBase64 } from "./base64.ts";
import { type Field, type Form, writeForm } from "./form.ts";
import type {
  BindingDraw,
  BindingEncoding,
  BindingInfo,
  BindingOutput,
  BindingResult,
  BindingText,
  BindingTransform,
  BindingTransformer,
  ImagesBinding,
} from "./types.ts";

/** Posts a form to the service. */
type PostForm = (path: "/transform" | "/info", form: Form) => Promise<Response>;

type Source =
  | ReadableStream<Uint8Array>
  | { readonly content: string; readonly options: BindingText };
type Step =
  | { readonly transform: BindingTransform }
  | { readonly child: Chain; readonly options: BindingDraw };

const CONSUMED =
  "IMAGES_TRANSFORM_ERROR 9525: ImageTransformer consumed; you may only call .output() or draw a transformer once";

/** Returns a binding whose forms go to a service. */
export function imagesBinding(post: PostForm): ImagesBinding {
  return {
    info: (stream, options) => askInfo(post, decoded(stream, options)),
    input: (stream, options) => new Chain(post, decoded(stream, options)),
    text: (content, options) => new Chain(post, { content, options }),
    hosted: { image: unplayed, upload: unplayed, list: unplayed, createDirectUpload: unplayed },
  };
}

function unplayed(): never {
  throw new Error("the strict edge does not play hosted images");
}

function decoded(stream: ReadableStream<Uint8Array>, options?: BindingEncoding) {
  return options?.encoding === "base64" ? stream.pipeThrough(fromBase64()) : stream;
}

async function askInfo(post: PostForm, value: ReadableStream<Uint8Array>): Promise<BindingInfo> {
  const response = await post("/info", writeForm([{ name: "image", value }]));
  await throwIfRefused("INFO", response);
  const { format, file_size: fileSize, width, height }: Told = await response.json();
  return fileSize === undefined ? { format } : { format, fileSize, width, height };
}

/** What the service tells. Of an SVG it tells the format alone. */
type Told =
  | { format: "image/svg+xml"; file_size?: undefined; width?: undefined; height?: undefined }
  | { format: string; file_size: number; width: number; height: number };

class Chain implements BindingTransformer {
  readonly #post: PostForm;
  readonly #source: Source;
  readonly #steps: Step[] = [];
  #consumed = false;

  constructor(post: PostForm, source: Source) {
    this.#post = post;
    this.#source = source;
  }

  transform(transform: BindingTransform): this {
    this.#steps.push({ transform });
    return this;
  }

  draw(image: ReadableStream<Uint8Array> | BindingTransformer, options: BindingDraw = {}): this {
    if (image instanceof Chain) {
      image.#consume();
      this.#steps.push({ child: image, options });
    } else if (image instanceof ReadableStream) {
      this.#steps.push({ child: new Chain(this.#post, image), options });
    } else throw new TypeError("draw: not a stream, and not a chain of this binding");
    return this;
  }

  async output({ format, quality, background, anim }: BindingOutput): Promise<BindingResult> {
    this.#consume();
    const fields: Field[] = [
      fieldOf("image", "text_input", this.#source),
      ...this.#written(),
      { name: "output_format", value: `${format}` },
    ];
    if (quality !== undefined) fields.push({ name: "output_quality", value: quality.toString() });
    if (background !== undefined) fields.push({ name: "background", value: background });
    if (anim !== undefined) fields.push({ name: "anim", value: anim.toString() });
    const response = await this.#post("/transform", writeForm(fields));
    await throwIfRefused("TRANSFORM", response);
    return resultOf(response);
  }

  #consume(): void {
    if (this.#consumed) throw imagesError(CONSUMED, 9525);
    this.#consumed = true;
  }

  /** The drawn images, then all steps in order. Image 0 is the canvas. */
  #written(): Field[] {
    const drawn: Field[] = [];
    const transforms: object[] = [];
    const walk = (targetImageIndex: number, steps: readonly Step[]): void => {
      for (const step of steps) {
        if ("transform" in step) {
          transforms.push({ imageIndex: targetImageIndex, ...step.transform });
        } else {
          drawn.push(fieldOf("draw_image", "draw_text", step.child.#source));
          const drawImageIndex = drawn.length;
          walk(drawImageIndex, step.child.#steps);
          transforms.push({ drawImageIndex, targetImageIndex, ...step.options });
        }
      }
    };
    walk(0, this.#steps);
    return [...drawn, { name: "transforms", value: JSON.stringify(transforms) }];
  }
}

function fieldOf(image: string, text: string, source: Source): Field {
  if (source instanceof ReadableStream) return { name: image, value: source };
  const { content, options } = source;
  return { name: text, value: JSON.stringify({ text: content, ...options }) };
}

function resultOf(response: Response): BindingResult {
  const contentType = () => {
    const type = response.headers.get("content-type");
    if (type !== null) return type;
    const missing = "IMAGES_TRANSFORM_ERROR 9523: No content-type on bindings response";
    throw imagesError(missing, 9523);
  };
  const image = (options?: BindingEncoding) => {
    const stream: ReadableStream<Uint8Array> = response.body ?? new Blob().stream();
    return options?.encoding === "base64" ? stream.pipeThrough(toBase64()) : stream;
  };
  return {
    contentType,
    image,
    response(options) {
      const headers = new Headers(options?.headers);
      headers.set("content-type", contentType());
      return new Response(image(), { headers });
    },
  };
}

async function throwIfRefused(operation: "TRANSFORM" | "INFO", response: Response): Promise<void> {
  const [, code] = /err=(\d+)/.exec(response.headers.get("cf-images-binding") ?? "") ?? [];
  if (code !== undefined) {
    throw imagesError(`IMAGES_${operation}_${await response.text()}`.trim(), Number(code));
  }
  if (response.status < 400) return;
  const said = (await response.text()).trim();
  throw imagesError(`Unexpected error response ${response.status}: ${said}`, 9523);
}

function imagesError(message: string, code: number): Error & { readonly code: number } {
  return Object.assign(new Error(message), { code });
}
