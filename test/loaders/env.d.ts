declare module "*.vue" {
  import type { DefineComponent } from "vue";

  const component: DefineComponent<{ readonly src?: string; readonly friends?: object }>;
  export default component;
}

// test/support/strict-worker.ts. It is compiled there, with the types of Workers.
declare module "vitrine:strict-worker" {
  export const URL_SIGNING_KEYS: string;
  export function startStrictWorker(
    objects: Readonly<Record<string, string>>,
    vars: { readonly ROUTES: readonly object[]; readonly PRESETS: object },
  ): (url: string) => Promise<Response>;
}
