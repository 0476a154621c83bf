// `vitrine/testing`: the emulators for the tests of any Worker, and Vitrine as a whole for the tests of an app.
// docs/testing.md shows how to use them.

export * from "../emulator/index.ts";
export type { Duration } from "./clock.ts";
export { createVitrine } from "./create-vitrine.ts";
export type {
  Vitrine,
  VitrineBucket,
  VitrineLogLine,
  VitrineObject,
  VitrineObjects,
  VitrineSettings,
  VitrineUrlOptions,
} from "./types.ts";
