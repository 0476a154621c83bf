/** The deployed bundle. test/support/built.ts builds it. */
declare module "built-worker" {
  export { default, Renditions } from "../../src/worker/index.ts";
}
