/** The deployed bundle. test/support/built.ts builds it. */
declare module "built-worker" {
  export { default } from "../../src/worker/index.ts";
}
