// What a try is about: one picture at one preset, as the sheet shows it.

import type { Client, PresetTable } from "../../../../client/index.ts";
import type { Fact } from "../../../../client/types.ts";
import type { Preset } from "../../../../worker/config/preset.ts";
import type { Picture } from "../../data.ts";
import type { Fault } from "./ask.ts";

export type Target = {
  readonly client: Client<PresetTable, string>;
  readonly picture: Picture;
  /** The preset's name. */
  readonly name: string;
  readonly preset: Preset;
  /** The variant that the browser chose: `hero@640w`. */
  readonly variant: string;
  /** The path of its public URL. */
  readonly path: string;
  /** Its whole URL, with its signature if it has one. */
  readonly src: string;
  /** What is known of the original, or why nothing is. */
  readonly fact: Promise<Fact | Fault>;
};
