// Overlays on a rendition, read back with sharp.

import { describe, expect, test } from "vitest";
import { exact, moving, painted, render } from "../../support/painting.ts";

describe("overlays", () => {
  type Options = Partial<RequestInitCfPropertiesImageDraw>;
  const overlay = async (look: string, options: Options = {}) => ({
    options: { url: "https://images.example/o.png", ...options },
    original: await painted(look),
  });
  const CANVAS = "www/www/www";

  test.each<[Options, string]>([
    [{}, "www/wrw/www"],
    [{ left: 0 }, "www/rww/www"],
    [{ right: 0 }, "www/wwr/www"],
    [{ top: 0 }, "wrw/www/www"],
    [{ bottom: 0 }, "www/www/wrw"],
    [{ top: 0, left: 20 }, "wwr/www/www"],
    [{ bottom: 10, right: 20 }, "www/rww/www"],
    [{ right: -10 }, "www/www/www"],
    [{ left: 99 }, "www/www/www"],
    [{ repeat: true }, "rrr/rrr/rrr"],
    [{ repeat: "x" }, "www/rrr/www"],
    [{ repeat: "y" }, "wrw/wrw/wrw"],
    [{ repeat: "x", bottom: 0 }, "www/www/rrr"],
    [{ repeat: "y", left: 0 }, "rww/rww/rww"],
    [{ opacity: 0 }, "www/www/www"],
    [{ width: 5, fit: "scale-down", top: 13, left: 13 }, "www/wrw/www"],
    [{ fit: "squeeze", width: 30, height: 10, bottom: 0 }, "www/www/rrr"],
    [{ border: { color: "blue", width: 10 } }, "bbb/brb/bbb"],
  ])("an overlay with %j on white gives %s (O12)", async (options, expected) => {
    const made = await exact(await painted(CANVAS), {}, [await overlay("r", options)]);
    expect([made.size, made.look(3, 3)]).toEqual(["30×30", expected]);
  });

  test.each<[Options, string]>([
    [{}, "rg/b."],
    [{ rotate: 90 }, "br/.g"],
    [{ flip: "h" }, "gr/.b"],
    [{ flip: "h", rotate: 90 }, ".g/br"],
    [{ background: "blue" }, "rg/bb"],
    [{ trim: { left: 10 }, fit: "squeeze", width: 20, height: 20 }, "gg/.."],
    [{ trim: { bottom: 10 }, fit: "cover", width: 20, height: 20, gravity: "right" }, "gg/gg"],
    [{ width: 10, dpr: 2, fit: "squeeze", height: 10 }, "rg/b."],
    [{ brightness: 0.001 }, "kk/k."],
  ])("an overlay has its own options: rg/b. with %j gives %s (O12)", async (options, expected) => {
    const made = await exact(await painted("../.."), { dpr: 2, rotate: 180 }, [
      await overlay("rg/b.", options),
    ]);
    expect(made.look(2, 2)).toBe(expected);
  });

  test("tiles lie edge to edge, on both sides of the first one (O12)", async () => {
    const tile = await overlay("rg", { repeat: true, left: 30, top: 10 });
    const made = await exact(await painted("wwwwwww/wwwwwww"), {}, [tile]);
    expect(made.look(7, 2)).toBe("grgrgrg/grgrgrg");
  });

  test("opacity lets the image shine through (O12)", async () => {
    const made = await exact(await painted(CANVAS), {}, [await overlay("r", { opacity: 0.5 })]);
    expect(made.pixel(15, 15)).toEqual([255, 128, 128, 255]);
    const bare = await exact(await painted("..."), {}, [await overlay("r", { opacity: 0.5 })]);
    expect(bare.pixel(15, 5)).toEqual([255, 0, 0, 128]);
  });

  test.each<[NonNullable<Options["composite"]> | undefined, string]>([
    [undefined, "bb/r."],
    ["over", "bb/r."],
    ["in", "b./.."],
    ["atop", "b./r."],
    ["out", ".b/.."],
    ["xor", ".b/r."],
    ["lighter", "mb/r."],
  ])("composite %s gives %s, only where the overlay is (O12)", async (composite, expected) => {
    const top = await overlay("bb/..", composite === undefined ? {} : { composite });
    const made = await exact(await painted("rr../rr../rr../rr.."), {}, [top]);
    const [above, below] = expected.split("/");
    expect(made.look(4, 4)).toBe(`rr../r${above}./r${below}./rr..`);
  });

  test("overlays are drawn in order, after everything else (O12)", async () => {
    const drawn = [
      await overlay("rr/rr", { left: 0, top: 0 }),
      await overlay("b", { left: 10, top: 10 }),
    ];
    const image = { border: { color: "lime", width: 10 }, brightness: 0.001, background: "red" };
    const made = await exact(await painted("."), image, drawn);
    expect(made.look(3, 3)).toBe("rrg/rbg/ggg");
  });

  test("a larger overlay is clipped (O12)", async () => {
    const large = await overlay("rgb/byr/gry");
    expect((await exact(await painted("w"), {}, [large])).look(1, 1)).toBe("y");
    const corner = await overlay("rgb/byr/gry", { right: 0, bottom: 0 });
    const made = await exact(await painted("ww/ww"), {}, [corner]);
    expect([made.size, made.look(2, 2)]).toEqual(["20×20", "yr/ry"]);
  });

  test("an overlay is drawn on every frame; of an animation, its first frame (O8, O12)", async () => {
    const blinking = await moving(["r", "g"]);
    const top = { options: { url: "https://images.example/o.gif", left: 0 }, original: blinking };
    const made = await render(await moving(["bb", "yy"]), {}, [top]);
    expect([made.look(2, 1), made.look(2, 1, 1)]).toEqual(["rb", "ry"]);
  });
});
