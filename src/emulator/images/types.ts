// The Images binding as `@cloudflare/workers-types` has it, with types of our own: they hold with the types
// of any runtime. What hosted images can do is left out.

import type { OverlayOptions, Transformations } from "../edge/image-options.ts";

/**
 * One step of a chain.
 * @example
 * const step: BindingTransform = { width: 160, height: 160, fit: "cover" };
 */
export type BindingTransform = Omit<Transformations, "dpr" | "zoom" | "upscale" | "border"> & {
  readonly border?: Partial<
    Readonly<Record<"width" | "top" | "right" | "bottom" | "left", number>>
  > & { readonly color?: string };
};

/**
 * How an image is drawn over another one.
 * @example
 * const options: BindingDraw = { bottom: 8, right: 8, opacity: 0.5 };
 */
export type BindingDraw = Pick<
  OverlayOptions,
  "opacity" | "composite" | "top" | "right" | "bottom" | "left"
> & { readonly repeat?: boolean | string };

/**
 * What comes out. There is no default format.
 * @example
 * const output: BindingOutput = { format: "image/webp", quality: 80 };
 */
export type BindingOutput = {
  readonly format:
    | "image/jpeg"
    | "image/png"
    | "image/gif"
    | "image/webp"
    | "image/avif"
    | "rgb"
    | "rgba";
  /** 1–100. */
  readonly quality?: number;
  /** A colour of CSS. */
  readonly background?: string;
  readonly anim?: boolean;
};

/**
 * How the bytes of an image are written.
 * @example
 * const encoding: BindingEncoding = { encoding: "base64" };
 */
export type BindingEncoding = { readonly encoding?: "base64" };

/**
 * What the binding made.
 * @example
 * const made: BindingResult = await images.input(stream).output({ format: "image/webp" });
 */
export type BindingResult = {
  response(options?: { readonly headers?: HeadersInput }): Response;
  contentType(): string;
  image(options?: BindingEncoding): ReadableStream<Uint8Array>;
};

type HeadersInput = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/**
 * A chain of steps. It can be used once.
 * @example
 * const chain: BindingTransformer = images.input(stream).transform({ width: 160 });
 */
export type BindingTransformer = {
  transform(transform: BindingTransform): BindingTransformer;
  draw(
    image: ReadableStream<Uint8Array> | BindingTransformer,
    options?: BindingDraw,
  ): BindingTransformer;
  /** @throws an Error with the `code` of the refusal, such as 9412 */
  output(options: BindingOutput): Promise<BindingResult>;
};

/**
 * What is known of an image.
 * @example
 * const info: BindingInfo = await images.info(stream);
 */
export type BindingInfo =
  | { readonly format: "image/svg+xml" }
  | {
      readonly format: string;
      readonly fileSize: number;
      readonly width: number;
      readonly height: number;
    };

/**
 * The Images binding, `env.IMAGES`.
 * @example
 * const images: ImagesBinding = edge.images;
 */
export type ImagesBinding = {
  info(stream: ReadableStream<Uint8Array>, options?: BindingEncoding): Promise<BindingInfo>;
  input(stream: ReadableStream<Uint8Array>, options?: BindingEncoding): BindingTransformer;
  text(content: string, options: BindingText): BindingTransformer;
  /** Not played: each of its functions throws. */
  readonly hosted: Readonly<
    Record<"image" | "upload" | "list" | "createDirectUpload", () => never>
  >;
};

/**
 * How a text is drawn. The emulator refuses it.
 * @example
 * const options: BindingText = { font: { url: "https://example.com/a.woff2" } };
 */
export type BindingText = {
  readonly font: { readonly url: string };
  readonly size?: number;
  readonly color?: string;
};

/**
 * What the binding posts its forms to: `…/transform` and `…/info`.
 * @example
 * const service: ImagesService = edge.answerImages;
 */
export type ImagesService = (request: Request) => Promise<Response>;
