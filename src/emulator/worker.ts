// `vitrine/testing/worker`: what leads from a Worker in another process to the strict edge.

export type {
  BindingDraw,
  BindingEncoding,
  BindingInfo,
  BindingOutput,
  BindingResult,
  BindingText,
  BindingTransform,
  BindingTransformer,
  ImagesBinding,
} from "./images/types.ts";
export { throughEdge } from "./through-edge.ts";
export { throughImages } from "./through-images.ts";
