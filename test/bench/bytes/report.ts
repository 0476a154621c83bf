// Compares what browsers got: medians by group of pictures and variant, the table of docs/performance.md, and the cells
// in which Vitrine is worse. It imports none of the folder's packages.

import { markdownTable } from "../../support/markdown-table.ts";

/** What is asked: Vitrine's variants of the presets that `init` writes, the others by their widths in px. */
export const VARIANTS = [
  { name: "card", width: 480 },
  { name: "card@1.5x", width: 720 },
  { name: "card@2x", width: 960 },
  { name: "hero@640w", width: 640 },
  { name: "hero@960w", width: 960 },
  { name: "hero@1280w", width: 1_280 },
  { name: "hero@1920w", width: 1_920 },
] as const;

/** The variants that the page shows. */
const ON_PAGE = ["card", "card@2x", "hero@1920w"];

/** What may be sent, by the tool and the best format that the browser and the configuration allow. */
export const SENDERS = [
  { name: "Vitrine, AVIF", tool: "vitrine", format: "avif" },
  { name: "IPX, AVIF", tool: "ipx", format: "avif" },
  { name: "Next, AVIF", tool: "next", format: "avif" },
  { name: "Vitrine, WebP", tool: "vitrine", format: "webp" },
  { name: "IPX, WebP", tool: "ipx", format: "webp" },
  { name: "Next, WebP", tool: "next", format: "webp" },
] as const;

export type Sender = (typeof SENDERS)[number]["name"];

/** Next.js with AVIF is a setting: an app that leaves it out sends WebP to all. */
const RIVALS: readonly (readonly [Sender, Sender])[] = [
  ["Vitrine, AVIF", "Next, AVIF"],
  ["Vitrine, AVIF", "Next, WebP"],
  ["Vitrine, WebP", "Next, WebP"],
];

/** How much came, how like the original it is (1 is the same), and in which format. */
export type Measure = {
  readonly bytes: number;
  readonly ssim: number;
  readonly format: "avif" | "webp" | "jpeg" | "other";
};

/** One picture in one variant. A sender is missing if it showed nothing. */
export type Sample = {
  readonly group: string;
  readonly key: string;
  readonly variant: string;
  readonly original: number;
  readonly sent: Readonly<Partial<Record<Sender, Measure>>>;
};

/** The medians of a group of pictures in one variant, and the most frequent format. */
export type Cell = Omit<Sample, "key"> & { readonly pictures: number };

export type BytesReport = {
  readonly versions: Readonly<Record<string, string>>;
  readonly cells: readonly Cell[];
};

/** Calculates the medians, by group and variant in the order of the samples. */
export function cellsOf(samples: readonly Sample[]): readonly Cell[] {
  const groups = new Set(samples.map(({ group }) => group));
  return [...groups].flatMap((group) =>
    VARIANTS.map(({ name: variant }) => {
      const inCell = samples.filter((one) => one.group === group && one.variant === variant);
      return cellOf(group, variant, inCell);
    }),
  );
}

function cellOf(group: string, variant: string, samples: readonly Sample[]): Cell {
  const sent: Partial<Record<Sender, Measure>> = {};
  for (const { name } of SENDERS) {
    const measures = samples.flatMap((sample) => sample.sent[name] ?? []);
    if (measures.length === 0) continue;

    sent[name] = {
      bytes: Math.round(median(measures.map(({ bytes }) => bytes))),
      ssim: Math.round(median(measures.map(({ ssim }) => ssim)) * 1e4) / 1e4,
      format: mostFrequent(measures.map(({ format }) => format)) ?? "other",
    };
  }

  const original = Math.round(median(samples.map((sample) => sample.original)));
  return { group, variant, pictures: samples.length, original, sent };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  if (sorted.length % 2 === 1) return upper;

  const lower = sorted[(sorted.length >> 1) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

function mostFrequent<Value>(values: readonly Value[]): Value | undefined {
  const times = (value: Value) => values.filter((other) => other === value).length;
  const [first] = values.toSorted((a, b) => times(b) - times(a));
  return first;
}

/** Where Vitrine sends more bytes than next/image, and nothing that is more like the original. */
export type Worse = { readonly text: string; readonly reason: string | undefined };

/** px (O7) */
const MAX_AVIF_SIDE = 1_200;

export function worseIn(measured: readonly (Cell | Sample)[]): readonly Worse[] {
  return measured.flatMap((one) =>
    RIVALS.flatMap(([ours, theirs]) => {
      const mine = one.sent[ours];
      const other = one.sent[theirs];
      if (mine === undefined || other === undefined) return [];

      const isWorse = mine.bytes > other.bytes && mine.ssim <= other.ssim;
      if (!isWorse) return [];

      const picture = "key" in one ? `, ${one.key}` : "";
      const sides = `${ours}: ${textOf(mine)} · ${theirs}: ${textOf(other)}`;
      const text = `${one.group}, ${one.variant}${picture}: ${sides}`;
      return [{ text, reason: reasonFor(one.variant, mine, other) }];
    }),
  );
}

function reasonFor(variant: string, mine: Measure, other: Measure): string | undefined {
  const isOtherFormat = mine.format !== "avif" && other.format === "avif";
  if (isOtherFormat && widthOf(variant) > MAX_AVIF_SIDE) {
    return `Cloudflare makes no AVIF above ${MAX_AVIF_SIDE.toLocaleString("en")} px a side (O7)`;
  }

  // The quality is chosen for the worse of both formats, so here it is not the best one for WebP.
  const isWebp = mine.format === "webp" && other.format === "webp";
  return isWebp ? "AVIF and WebP have one quality, because each is billed (L2)" : undefined;
}

function widthOf(variant: string): number {
  return VARIANTS.find(({ name }) => name === variant)?.width ?? 0;
}

/** The table: kilobytes and similarity of each sender. */
export function bytesTable(
  cells: readonly Cell[],
  variants: readonly string[] = ON_PAGE,
): readonly string[] {
  const head = ["pictures", "px", "original", ...SENDERS.map(({ name }) => name)];
  const rows = cells
    .filter(({ variant }) => variants.includes(variant))
    .map(({ group, variant, pictures, original, sent }) => {
      const measures = SENDERS.map(({ name }) => textOf(sent[name]));
      return [`${group} (${pictures})`, `${widthOf(variant)}`, kilobytes(original), ...measures];
    });
  return markdownTable(head, rows);
}

function textOf(measure: Measure | undefined): string {
  if (measure === undefined) return "–";
  return `${kilobytes(measure.bytes)} ${measure.ssim.toFixed(3)}`;
}

function kilobytes(bytes: number): string {
  const digits = bytes < 10_000 ? 1 : 0;
  return `${(bytes / 1_000).toFixed(digits)} KB`;
}

const PART = /(<!-- generated: bytes -->\n).*?(<!-- generated -->)/s;

/** Puts the table into the page. @throws if the page has no place for it */
export function writeTable(page: string, cells: readonly Cell[]): string {
  if (!PART.test(page)) throw new Error("docs/performance.md has no <!-- generated: bytes -->");

  const table = bytesTable(cells).join("\n");
  return page.replace(PART, (_all, opening, closing) => `${opening}\n${table}\n\n${closing}`);
}
