// How the pixels of a rendition change: blur, sharpen, tone. Read back with sharp.

import { describe, expect, test } from "vitest";
import type { ImageOptions } from "../../../src/emulator/edge/image-options.ts";
import { exact, painted, photo, plain } from "../../support/painting.ts";

describe("how pixels change", () => {
  /** How much neighbours differ, 0–255. */
  const detail = ({ data }: { data: Uint8Array }) =>
    data.reduce((sum, value, at) => sum + Math.abs(value - (data[at - 4] ?? value)), 0) /
    data.length;

  test("a larger blur leaves less detail (O10)", async () => {
    const blurred = async (blur: number) => detail(await exact(photo, { blur }));
    expect(await blurred(1)).toBeLessThan(detail(await exact(photo, {})) * 0.8);
    expect(await blurred(5)).toBeLessThan((await blurred(1)) * 0.6);
    expect(await blurred(250)).toBeLessThan((await blurred(5)) * 0.6);
  });

  test("a stronger sharpen adds more detail (O10)", async () => {
    const sharpened = async (sharpen: number) => detail(await exact(photo, { sharpen }));
    expect(await sharpened(0)).toBe(detail(await exact(photo, {})));
    expect(await sharpened(1)).toBeGreaterThan((await sharpened(0)) * 1.1);
    expect(await sharpened(10)).toBeGreaterThan((await sharpened(1)) * 1.1);
  });

  test("blur comes after resizing and before the border (O10, O12)", async () => {
    const halves = await painted("kw", 100);
    const border = { color: "red", width: 5 };
    const made = await exact(halves, { width: 40, blur: 6, border });
    expect(made.pixel(5 + 15, 10)[0]).toBeGreaterThan(30);
    expect(made.pixel(4, 10)).toEqual([255, 0, 0, 255]);
  });

  test.each<[ImageOptions, readonly number[]]>([
    [{ brightness: 0.5 }, [30, 60, 90]],
    [{ brightness: 1.5 }, [90, 180, 255]],
    [{ brightness: 1000 }, [255, 255, 255]],
    [{ contrast: 0.5 }, [94, 124, 154]],
    [{ contrast: 2 }, [0, 113, 233]],
    [{ contrast: 1000 }, [0, 0, 255]],
    [{ gamma: 0.5 }, [14, 56, 127]],
    [{ gamma: 2 }, [124, 175, 214]],
    [{ gamma: 100 }, [251, 253, 254]],
    [{ gamma: 0.01 }, [0, 0, 0]],
    [{ brightness: 0.5, contrast: 2 }, [0, 0, 53]],
    [{ contrast: 2, gamma: 2 }, [0, 169, 244]],
    [{ brightness: 1, contrast: 1, gamma: 1, saturation: 1 }, [60, 120, 180]],
    [{ brightness: 0, contrast: 0, gamma: 0 }, [60, 120, 180]],
    [{ brightness: 0, contrast: 2, gamma: 0 }, [0, 113, 233]],
    [{ brightness: 0.5, contrast: 0 }, [30, 60, 90]],
  ])("%j turns 60, 120, 180 into %j (O10)", async (image, expected) => {
    const source = await plain("rgb(60,120,180,.5)");
    const found = (await exact(source, image)).pixel(1, 1);
    const off = [...expected, 128].map((value, at) => Math.abs(value - (found[at] ?? 0)));
    expect(Math.max(...off), `${found}`).toBeLessThanOrEqual(1);
  });

  test("tones change after resizing (O10)", async () => {
    const [grey = 0] = (await exact(await painted("kw/wk"), { width: 1, gamma: 2 })).pixel(0, 0);
    expect([grey > 160, grey < 200]).toEqual([true, true]);
  });

  test("saturation moves colours apart or together (O10)", async () => {
    const source = await plain("rgb(90,120,150)");
    const spread = async (saturation: number) => {
      const [red = 0, , blue = 0] = (await exact(source, { saturation })).pixel(1, 1);
      return blue - red;
    };
    expect(await spread(0.01)).toBeLessThan(4);
    expect(await spread(0.5)).toBeLessThan(40);
    expect(await spread(0.5)).toBeGreaterThan(20);
    expect(await spread(2)).toBeGreaterThan(100);
    expect(await spread(0)).toBe(0);
    expect((await exact(source, { saturation: 2, gamma: 0.01 })).look(1, 1)).toBe("k");
  });
});
