// Which addresses `vitrine dev --host` opens, and what the terminal says about them.

import { expect, test, vi } from "vitest";
import {
  chooseAddresses,
  findLost,
  hostText,
  type Interfaces,
  watchAddresses,
} from "../../src/dev/host-addresses.ts";

function interfacesOf(...addresses: readonly string[]): Interfaces {
  const list = addresses.map((address) => {
    const internal = address === "::1" || address.startsWith("127.");
    const common = { address, internal, mac: "", netmask: "", cidr: null };
    return address.includes(":")
      ? { ...common, family: "IPv6" as const, scopeid: 0 }
      : { ...common, family: "IPv4" as const };
  });
  return { eth0: list };
}

const ALL = interfacesOf(
  ...["127.0.0.1", "::1", "192.168.1.5", "10.0.0.7", "172.31.0.1", "172.32.0.1", "169.254.3.4"],
  ...["203.0.113.5", "fd00::2", "fe80::1", "2001:db8::5"],
);

test("--host alone takes the addresses of private networks, and names those of the Internet", () => {
  expect(chooseAddresses(true, ALL)).toEqual({
    kind: "addresses",
    addresses: ["192.168.1.5", "10.0.0.7", "172.31.0.1", "169.254.3.4", "fd00::2"],
    leftOut: ["172.32.0.1", "203.0.113.5", "2001:db8::5"],
  });
});

test.each([["203.0.113.5"], ["192.168.1.5"], ["2001:db8::5"], ["127.0.0.2"]])(
  "--host %s takes that address alone",
  (address) => {
    const chosen = { kind: "addresses", addresses: [address], leftOut: [] };
    expect(chooseAddresses(address, ALL)).toEqual(chosen);
  },
);

test.each([["FD00::2"], ["fd00:0:0::2"]])("--host %s is the address fd00::2", (address) => {
  const chosen = { kind: "addresses", addresses: ["fd00::2"], leftOut: [] };
  expect(chooseAddresses(address, ALL)).toEqual(chosen);
});

test.each([
  ["phone.local", /IP address/],
  ["192.168.1.5:8787", /IP address/],
  ["0.0.0.0", /one address/],
  ["::", /one address/],
  ["::0", /one address/],
  ["0:0:0:0:0:0:0:0", /one address/],
  ["::ffff:0.0.0.0", /one address/],
  ["127.0.0.1", /without --host/],
  ["::1", /without --host/],
  ["fe80::1", /no browser/],
  ["fe80::1%eth0", /no browser/],
  ["fd00::2%eth0", /no browser/],
  ["\u001b[2J", /u001b/],
])("--host %j is refused, and the message says what to write", (address, message) => {
  expect(chooseAddresses(address, ALL)).toEqual({ fault: expect.stringMatching(message) });
});

test("without a private network, --host says what to do", () => {
  const offline = chooseAddresses(true, interfacesOf("127.0.0.1", "::1", "fe80::1"));
  expect(offline).toEqual({
    fault: expect.stringMatching(/Connect it to the network of the phone\.$/),
  });
  const outside = chooseAddresses(true, interfacesOf("203.0.113.5"));
  expect(outside).toEqual({ fault: expect.stringMatching(/--host 203\.0\.113\.5$/) });
});

test("the terminal has a URL for each address, the code, and black on white a QR code", () => {
  const addresses = ["192.168.1.5", "fd00::2"];
  const chosen = { kind: "addresses", addresses, leftOut: ["203.0.113.5"] } as const;
  const text = hostText(chosen, 8787, "aaaa-bbbb-cccc", true);
  expect(text).toMatch(/^http:\/\/192\.168\.1\.5:8787\/aaaa-bbbb-cccc$/m);
  expect(text).toMatch(/^http:\/\/\[fd00::2\]:8787\/aaaa-bbbb-cccc$/m);
  expect(text).toContain("203.0.113.5 is left out");
  expect(text.split("\u001b[30;107m").length).toBeGreaterThan(12);
  expect(hostText(chosen, 8787, "aaaa-bbbb-cccc", false)).not.toContain("\u001b");
});

test("an address that this machine has lost is found, and one that it still has is not", () => {
  const addresses = ["192.168.1.5", "10.9.9.9", "127.0.0.2"];
  expect(findLost(addresses, ALL)).toEqual(["10.9.9.9"]);
});

test("the terminal says once that an address is gone", () => {
  vi.useFakeTimers();
  const warnings: string[] = [];
  watchAddresses(
    ["192.168.1.5", "10.9.9.9"],
    (line) => warnings.push(line),
    () => ALL,
  );
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  expect(warnings).toEqual([expect.stringContaining("no longer has the address 10.9.9.9.")]);
});
