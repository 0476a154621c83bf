declare module "*.vue" {
  import type { DefineComponent } from "vue";

  const component: DefineComponent<{ readonly src: string }>;
  export default component;
}
