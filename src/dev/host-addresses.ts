// The addresses of this machine at which a phone can reach the local run, and what the terminal says about them.

import { BlockList, isIP, isIPv6, SocketAddress } from "node:net";
import { networkInterfaces } from "node:os";
import { renderUnicodeCompact } from "uqr";
import type { CommandFault } from "../cli/command.ts";
import { visible } from "../cli/terminal/shell.ts";
import { originOf } from "./host-access.ts";

/** What `--host` was given: true is the option alone. */
export type HostOption = string | true;

/** The interfaces of this machine, as `node:os` lists them. */
export type Interfaces = ReturnType<typeof networkInterfaces>;

export type HostAddresses = {
  readonly kind: "addresses";
  readonly addresses: readonly string[];
  /** Addresses of this machine that the Internet may reach. They are used only if they are named. */
  readonly leftOut: readonly string[];
};

/** A server with one of them listens at all addresses, also with another spelling: `::0`, `::ffff:0.0.0.0`. */
const ALL = new BlockList();
ALL.addAddress("0.0.0.0");
ALL.addAddress("::", "ipv6");

/** The addresses of this machine alone, of home and office networks (RFC 1918, RFC 4193), and of one cable (RFC 3927). */
const LOOPBACK = new BlockList();
LOOPBACK.addAddress("127.0.0.1");
LOOPBACK.addAddress("::1", "ipv6");

const PRIVATE = new BlockList();
PRIVATE.addSubnet("10.0.0.0", 8);
PRIVATE.addSubnet("172.16.0.0", 12);
PRIVATE.addSubnet("192.168.0.0", 16);
PRIVATE.addSubnet("169.254.0.0", 16);
PRIVATE.addSubnet("fc00::", 7, "ipv6");

/** No browser opens a URL with such an address, since it needs the name of the interface, too. */
const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** Chooses the addresses for `--host`. */
export function chooseAddresses(
  option: HostOption,
  interfaces: Interfaces = networkInterfaces(),
): HostAddresses | CommandFault {
  const machineAddresses = addressesOf(interfaces);
  const privateAddresses = machineAddresses.filter((address) => isIn(PRIVATE, address));
  const leftOut = machineAddresses.filter((address) => !isIn(PRIVATE, address));

  if (option === true) {
    if (privateAddresses.length > 0)
      return { kind: "addresses", addresses: privateAddresses, leftOut };
    return { fault: noAddressText(leftOut) };
  }

  const fault = addressFault(option);
  if (fault !== undefined) return { fault: `--host ${visible(option)}: ${fault}` };
  return { kind: "addresses", addresses: [spellAsSystem(option)], leftOut: [] };
}

/** Returns an address as the list of interfaces has it: `FD00:0::2` is `fd00::2`. */
function spellAsSystem(address: string): string {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  return new SocketAddress({ address, family }).address;
}

function addressesOf(interfaces: Interfaces): readonly string[] {
  const addresses: string[] = [];
  for (const list of Object.values(interfaces)) {
    for (const { address, internal } of list ?? []) {
      if (!internal && !isIn(LINK_LOCAL, address)) addresses.push(address);
    }
  }
  return addresses;
}

function noAddressText(leftOut: readonly string[]): string {
  const [publicAddress] = leftOut;
  const text = "--host: this machine has no address of a private network.";
  if (publicAddress === undefined) return `${text} Connect it to the network of the phone.`;
  return `${text} Connect it to the network of the phone, or name an address that others may reach: --host ${publicAddress}`;
}

/** @returns why an address cannot be used; undefined: it can, if this machine has it */
function addressFault(address: string): string | undefined {
  if (isIP(address) === 0) return "write an IP address of this machine, or --host alone";
  if (isIn(ALL, address)) return "write one address, or --host alone";
  if (address.includes("%") || isIn(LINK_LOCAL, address)) {
    return "no browser opens such an address: write another one, or --host alone";
  }
  if (isIn(LOOPBACK, address)) return "this address is served without --host";
  return undefined;
}

/** The lines of the terminal for the phone, with a QR code on a terminal. Only they have the code. */
export function hostText(
  { addresses, leftOut }: HostAddresses,
  port: number,
  code: string,
  isTerminal: boolean,
): string {
  const urls = addresses.map((address) => `${originOf(address, port)}/${code}`);
  const lines = ["For a phone on this network, which can look and change nothing:", ...urls];

  const [url] = urls;
  if (isTerminal && url !== undefined) lines.push("", ...qrLines(url));

  lines.push(
    "",
    `The code is ${code}. It is for this run alone. An app sends it as the header x-vitrine-code.`,
  );
  for (const address of leftOut) {
    lines.push(
      `${address} is left out: the Internet may reach it. If you want that, write --host ${address}`,
    );
  }
  return `\n${lines.join("\n")}\n`;
}

/** Black on white, whatever the colours of the terminal are: a camera needs that. */
function qrLines(url: string): readonly string[] {
  const lines = renderUnicodeCompact(url, { border: 2, invert: true }).split("\n");
  return lines.map((line) => `\u001b[30;107m${line}\u001b[0m`);
}

/** How often the interfaces are looked at: ms. */
const WATCH_MS = 5_000;

/** Returns the addresses that this machine does not have any more. */
export function findLost(addresses: readonly string[], interfaces: Interfaces): readonly string[] {
  const present = new Set<string>();
  for (const list of Object.values(interfaces)) {
    for (const { address } of list ?? []) present.add(address);
  }

  // Linux has all of 127.0.0.0/8, and lists only one of them.
  return addresses.filter((address) => !present.has(address) && !address.startsWith("127."));
}

/** Says once of each address that this machine has lost it, for example in another Wi-Fi. */
export function watchAddresses(
  addresses: readonly string[],
  warn: (line: string) => void,
  readInterfaces: () => Interfaces = networkInterfaces,
): void {
  const reported = new Set<string>();
  const look = (): void => {
    for (const address of findLost(addresses, readInterfaces())) {
      if (reported.has(address)) continue;
      reported.add(address);
      warn(
        `This machine no longer has the address ${address}. Start again for a phone in the new network.`,
      );
    }
  };
  setInterval(look, WATCH_MS).unref();
}
