/** What a pasted pixel finds: what Shopify lends it, and the settings from its own first lines. */

type Lent = import("@shopify/web-pixels-extension").ExtensionApi;

declare const analytics: Lent["analytics"];
declare const browser: Lent["browser"];
declare const init: Lent["init"];
declare const api: { customerPrivacy: Lent["customerPrivacy"] };
declare const SHOPBELL: { server: string; key: string };
