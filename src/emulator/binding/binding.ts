// The Images binding as a Worker sees it: it posts the same form as production does, to the service of service.ts. It
// reads no image itself. It also runs in the Workers runtime.

type PostForm = (path: "/transform" | "/info", form: FormData) => Promise<Response>;

type Step =
  | { readonly transform: ImageTransform; readonly child?: never }
  | { readonly child: Chain; readonly options: ImageDrawOptions };

const CONSUMED =
  "IMAGES_TRANSFORM_ERROR 9525: ImageTransformer consumed; you may only call .output() or draw a transformer once";

/** @param post sends a form to the service */
export function imagesBinding(post: PostForm): ImagesBinding {
  return {
    info: (stream, options) => fetchInfo(post, checkInput(stream, options)),
    input: (stream, options) => new Chain(post, checkInput(stream, options)),
    text: refuse,
    hosted: { image: refuse, upload: refuse, list: refuse, createDirectUpload: refuse },
  };
}

function refuse(): never {
  throw new Error(
    "the strict edge plays no texts, no hosted images and no base64 of the Images binding",
  );
}

function checkInput(stream: ReadableStream<Uint8Array>, options?: ImageInputOptions) {
  return options?.encoding === "base64" ? refuse() : stream;
}

/** For an SVG, the service names the format alone. */
type InfoReply = { format: string; file_size?: number; width: number; height: number };

async function fetchInfo(
  post: PostForm,
  image: ReadableStream<Uint8Array>,
): Promise<ImageInfoResponse> {
  const form = new FormData();
  form.append("image", await new Response(image).blob());
  const response = await post("/info", form);
  await throwIfRefused("INFO", response);
  const { format, file_size: fileSize, width, height }: InfoReply = await response.json();
  return fileSize === undefined ? { format: "image/svg+xml" } : { format, fileSize, width, height };
}

class Chain implements ImageTransformer {
  readonly #post: PostForm;
  readonly #image: ReadableStream<Uint8Array>;
  readonly #steps: Step[] = [];
  #isConsumed = false;

  constructor(post: PostForm, image: ReadableStream<Uint8Array>) {
    this.#post = post;
    this.#image = image;
  }

  transform(transform: ImageTransform): this {
    this.#steps.push({ transform });
    return this;
  }

  draw(image: ReadableStream<Uint8Array> | ImageTransformer, options: ImageDrawOptions = {}): this {
    if (image instanceof Chain) {
      image.#consume();
      this.#steps.push({ child: image, options });
    } else if (image instanceof ReadableStream) {
      this.#steps.push({ child: new Chain(this.#post, image), options });
    } else throw new TypeError("draw: not a stream, and not a chain of this binding");
    return this;
  }

  async output(options: ImageOutputOptions): Promise<ImageTransformationResult> {
    this.#consume();
    const form = await this.#writeForm();
    form.append("output_format", `${options.format}`);
    if (options.quality !== undefined) form.append("output_quality", `${options.quality}`);
    if (options.background !== undefined) form.append("background", options.background);
    if (options.anim !== undefined) form.append("anim", `${options.anim}`);
    const response = await this.#post("/transform", form);
    await throwIfRefused("TRANSFORM", response);
    return resultOf(response);
  }

  #consume(): void {
    if (this.#isConsumed) throw imagesError(CONSUMED, 9525);
    this.#isConsumed = true;
  }

  /** Writes the images, and all steps in order. Image 0 is the canvas. */
  async #writeForm(): Promise<FormData> {
    const form = new FormData();
    const images = [this.#image];
    const transforms: object[] = [];
    const walk = (targetImageIndex: number, steps: readonly Step[]): void => {
      for (const step of steps) {
        if (step.child === undefined) {
          transforms.push({ imageIndex: targetImageIndex, ...step.transform });
          continue;
        }
        const drawImageIndex = images.push(step.child.#image) - 1;
        walk(drawImageIndex, step.child.#steps);
        transforms.push({ drawImageIndex, targetImageIndex, ...step.options });
      }
    };
    walk(0, this.#steps);
    for (const [index, image] of images.entries()) {
      form.append(index === 0 ? "image" : "draw_image", await new Response(image).blob());
    }
    form.append("transforms", JSON.stringify(transforms));
    return form;
  }
}

function resultOf(response: Response): ImageTransformationResult {
  const contentType = () => response.headers.get("content-type") ?? "";
  const image = (options?: ImageInputOptions) =>
    checkInput(response.body ?? new Blob().stream(), options);
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
  const text = (await response.text()).trim();
  throw imagesError(`Unexpected error response ${response.status}: ${text}`, 9523);
}

function imagesError(message: string, code: number): Error & { readonly code: number } {
  return Object.assign(new Error(message), { code });
}
