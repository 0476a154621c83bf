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

/** Returns a stream of bytes. @throws if its encoding is not played */
function checkInput(stream: ReadableStream<Uint8Array>, options?: ImageInputOptions) {
  if (options?.encoding === "base64") refuse();
  return stream;
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
  if (fileSize === undefined) return { format: "image/svg+xml" };
  return { format, fileSize, width, height };
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
      return this;
    }

    if (!(image instanceof ReadableStream)) {
      throw new TypeError("draw: not a stream, and not a chain of this binding");
    }
    this.#steps.push({ child: new Chain(this.#post, image), options });
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
    const images = [this.#image];
    const transforms: object[] = [];
    this.#addSteps(0, images, transforms);

    const form = new FormData();
    for (const [index, image] of images.entries()) {
      const name = index === 0 ? "image" : "draw_image";
      form.append(name, await new Response(image).blob());
    }
    form.append("transforms", JSON.stringify(transforms));
    return form;
  }

  /** Adds the steps on an image. What is drawn on it is an image of its own, and its steps come before that. */
  #addSteps(imageIndex: number, images: ReadableStream<Uint8Array>[], transforms: object[]): void {
    for (const step of this.#steps) {
      if (step.child === undefined) {
        transforms.push({ imageIndex, ...step.transform });
        continue;
      }

      const drawImageIndex = images.length;
      images.push(step.child.#image);
      step.child.#addSteps(drawImageIndex, images, transforms);
      transforms.push({ drawImageIndex, targetImageIndex: imageIndex, ...step.options });
    }
  }
}

function resultOf(response: Response): ImageTransformationResult {
  const contentType = () => response.headers.get("content-type") ?? "";
  const image = (options?: ImageInputOptions) => {
    const body = response.body ?? new Blob().stream();
    return checkInput(body, options);
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
  const result = response.headers.get("cf-images-binding") ?? "";
  const code = /err=(?<code>\d+)/.exec(result)?.groups?.["code"];
  if (code !== undefined) {
    const text = await response.text();
    throw imagesError(`IMAGES_${operation}_${text}`.trim(), Number(code));
  }
  if (response.status < 400) return;

  const text = (await response.text()).trim();
  throw imagesError(`Unexpected error response ${response.status}: ${text}`, 9523);
}

function imagesError(message: string, code: number): Error & { readonly code: number } {
  return Object.assign(new Error(message), { code });
}
