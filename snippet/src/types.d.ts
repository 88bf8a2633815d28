/** What the pieces of the snippet pass to each other, and what the browsers' own typings lack. */

/** Filled in by build.mjs: the name of the UI file with its content hash, and its digest. */
declare const UI_FILE: string;
declare const UI_INTEGRITY: string;

declare module "*.css" {
  const minified: string;
  export default minified;
}

interface ShopEvent {
  id: string;
  type: string;
  at: string;
  seq: number;
  engaged_ms: number;
  page: Record<string, unknown>;
}

interface Action {
  open: "chat" | "phone" | "callback" | "link";
  label?: string;
  href?: string;
}

/** An invitation or a hint (`nudge`) as it stands in the answer of `POST /v1/events`. */
interface Message {
  id: string;
  kind: string;
  rule?: string;
  text: string;
  language?: string;
  agent?: { name: string; picture?: string };
  actions?: Action[];
  expires_at?: string;
}

/** The answer of `POST /v1/events`. */
interface Answer {
  accepted?: number;
  duplicates?: number;
  rejected?: { index: number; id: string; code: string; field?: string; message: string }[];
  messages?: Message[];
  next_check_ms?: number | null;
  check_on?: "engaged" | "visible";
}

/** What the core lends to the UI's file. */
interface Kit {
  language(): string;
  claim(message: Message): Promise<boolean> | boolean;
  report(message: Message, what: string, action?: string): void;
}

/** What the UI's file does for the core. */
interface Ui {
  receive(messages: Message[]): void;
  clear(): void;
}

/** What the card tells of the shopper. */
type Tell = (what: "shown" | "accepted" | "dismissed", action?: string) => void;

/** Draws the card as soon as the place for it is free; answers how to take it away. */
type Card = (message: Message, language: string, report: Tell) => () => void;

/** One command, as `arguments` or as an array. */
type Command = ArrayLike<any>;

interface Shopbell {
  (...command: unknown[]): void;
  q?: { push(command: Command): void; length: number; [index: number]: Command };
  live?: boolean;
}

interface Window {
  shopbell?: Shopbell;
}

/** Missing in some browsers: reading it throws there. */
declare const trustedTypes: {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
};

interface Document {
  prerendering?: boolean;
}

interface Navigator {
  globalPrivacyControl?: boolean;
}
