// What JSX means to Solid on a server. Its own compiler is for whole apps, and the files here have React's.

import { type Component, createComponent } from "solid-js";
import { ssrElement } from "solid-js/web";

type Props = Record<string, unknown>;

export function jsx(type: string | Component<Props>, props: Props) {
  if (typeof type !== "string") return createComponent(type, props);
  return ssrElement(type, props, props["children"], false);
}

export { jsx as jsxDEV, jsx as jsxs };
